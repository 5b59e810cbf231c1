//! The end-to-end scenarios: `cargo xtask e2e`.

fn main() -> std::process::ExitCode {
    harness::main()
}
