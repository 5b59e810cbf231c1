//! The binary: what it prints, and that it serves and stops.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

#[test]
fn prints_a_configuration_and_serves() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_segment-mock"))
        .args(["--port", "0", "--profiles", "12", "--seed", "3", "--speed", "3600", "--latency", "1ms"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut printed = Vec::new();
    for line in lines.by_ref().map(|line| line.unwrap()) {
        printed.push(line);
        if printed.last().is_some_and(|line| line.starts_with("(12 of them")) {
            break;
        }
    }
    let text = printed.join("\n");
    let url = printed[0].rsplit(' ').next().unwrap();
    for part in [
        "[[connections]]\nkey = \"mock\"\nkind = \"segment_unify\"\napi = \"public\"\n",
        &format!("domain = \"{url}\"\nprofiles_domain = \"{url}\"\n"),
        "access_token = \"mock-public-token\"",
        "access_secret = \"mock-space-secret\"",
        "person-0001@example.test",
    ] {
        assert!(text.contains(part), "{part} not in\n{text}");
    }
    let mut stream = TcpStream::connect(url.replace("http://", "")).unwrap();
    let request = "GET / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer mock-public-token\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // SIGTERM ends it in order.
    Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn refuses_what_it_does_not_understand() {
    let output = Command::new(env!("CARGO_BIN_EXE_segment-mock")).args(["--latency", "soon"]).output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("soon"));
}
