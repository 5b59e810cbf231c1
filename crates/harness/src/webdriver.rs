//! A browser that is told what to do: Chromium through its driver, headless, with a profile of its own.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};
use fantoccini::{Client, ClientBuilder, Locator, wd::Capabilities};
use serde_json::{Value, json};

use crate::browser;

/// What it is called.
const DRIVER: &str = "chromedriver";
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Whether there is a browser and its driver.
pub(crate) fn is_installed() -> bool {
    browser::installed().is_some() && browser::answers(DRIVER)
}

/// A browser. Dropping it ends it.
#[derive(Debug)]
pub(crate) struct Browser {
    driver: Child,
    client: Client,
    runtime: tokio::runtime::Runtime,
    _profile: tempfile::TempDir,
}

/// What somebody looks through.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// The window's width and height.
    pub(crate) window: (u32, u32),
    /// Whether pages may run scripts.
    pub(crate) scripts: bool,
    /// Whether dark pages are preferred.
    pub(crate) dark: bool,
}

impl Look {
    /// A desk, with a light screen.
    pub(crate) const DESK: Self = Self { window: (1200, 1000), scripts: true, dark: false };
}

/// The key that moves the focus on, as the driver spells it.
const TAB: &str = "\u{E004}";
/// The key that follows a link, or sends a form.
const ENTER: &str = "\u{E007}";

impl Browser {
    /// Starts one.
    pub(crate) fn start(look: Look) -> Result<Self> {
        let mut driver = Command::new(DRIVER).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let lines = BufReader::new(driver.stdout.take().context("the driver has no output")?).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            line.split("successfully on port ").nth(1).and_then(|port| port.trim_end_matches('.').parse::<u16>().ok())
        });
        let Some(port) = port else {
            driver.kill()?;
            bail!("the driver tells no port");
        };
        let profile = tempfile::tempdir()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let mut capabilities = Capabilities::new();
        capabilities.insert("goog:chromeOptions".to_owned(), options(look, profile.path()));
        capabilities.insert("goog:loggingPrefs".to_owned(), json!({"browser": "ALL"}));
        let client = runtime.block_on(async {
            let connector = hyper_util::client::legacy::connect::HttpConnector::new();
            ClientBuilder::new(connector).capabilities(capabilities).connect(&format!("http://127.0.0.1:{port}")).await
        });
        let client = client.inspect_err(|_| drop(driver.kill())).context("the browser does not start")?;
        Ok(Self { driver, client, runtime, _profile: profile })
    }

    pub(crate) fn open(&self, url: &str) -> Result<()> {
        Ok(self.runtime.block_on(self.client.goto(url))?)
    }

    /// Where it is.
    pub(crate) fn url(&self) -> Result<String> {
        Ok(self.runtime.block_on(self.client.current_url())?.to_string())
    }

    /// Types into a field.
    pub(crate) fn types(&self, css: &str, text: &str) -> Result<()> {
        self.runtime.block_on(async {
            let field = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await?;
            Ok(field.send_keys(text).await?)
        })
    }

    /// Chooses in a list by value.
    pub(crate) fn chooses(&self, css: &str, value: &str) -> Result<()> {
        self.clicks(&format!("{css} option[value='{value}']"))
    }

    pub(crate) fn clicks(&self, css: &str) -> Result<()> {
        self.runtime.block_on(async {
            let found = self.client.wait().at_most(PATIENCE).for_element(Locator::Css(css)).await;
            click(&self.client, found.with_context(|| format!("there is no {css}"))?).await
        })
    }

    /// Clicks a button or a link by what it says.
    pub(crate) fn presses(&self, words: &str) -> Result<()> {
        let path = format!("//button[normalize-space()='{words}'] | //a[normalize-space()='{words}']");
        self.runtime.block_on(async {
            let found = self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path)).await;
            click(&self.client, found.with_context(|| format!("nothing says {words}"))?).await
        })
    }

    /// Waits until the page says this, without asking for it again.
    pub(crate) fn sees(&self, words: &str) -> Result<()> {
        let path = format!("//*[contains(normalize-space(), '{words}')]");
        let found = self.runtime.block_on(self.client.wait().at_most(PATIENCE).for_element(Locator::XPath(&path)));
        found.map(drop).with_context(|| format!("the page does not say {words}: {}", self.text().unwrap_or_default()))
    }

    /// Moves the focus on with the keyboard until it is on what says or is called this. Fails where that is not reached.
    pub(crate) fn tabs_to(&self, name: &str) -> Result<()> {
        // The first press leaves where the focus is now: so often that every page is walked once.
        let mut passed = Vec::new();
        for _ in 0..60 {
            self.keys(TAB)?;
            let focus = self.runs(
                "const it = document.activeElement; return it.name || it.textContent.trim().replace(/\\s+/g, ' ')",
            )?;
            if focus == name {
                return Ok(());
            }
            passed.push(focus.to_string());
        }
        bail!("no key leads to {name}, only to {}", passed.join(", "))
    }

    /// Presses Enter where the focus is.
    pub(crate) fn enters(&self) -> Result<()> {
        self.keys(ENTER)
    }

    /// Types where the focus is.
    pub(crate) fn keys(&self, text: &str) -> Result<()> {
        self.runtime.block_on(async { Ok(self.client.active_element().await?.send_keys(text).await?) })
    }

    /// What the page says.
    pub(crate) fn text(&self) -> Result<String> {
        self.runtime.block_on(async {
            let body = self.client.find(Locator::Css("body")).await?;
            Ok(body.text().await?)
        })
    }

    /// The cookie of this name.
    pub(crate) fn cookie(&self, name: &str) -> Result<Value> {
        let cookie = self.runtime.block_on(self.client.get_named_cookie(name))?;
        Ok(
            json!({"value": cookie.value(), "http_only": cookie.http_only(), "same_site": cookie.same_site().map(|site| site.to_string())}),
        )
    }

    /// A picture of the window, as PNG.
    pub(crate) fn picture(&self) -> Result<Vec<u8>> {
        Ok(self.runtime.block_on(self.client.screenshot())?)
    }

    /// Runs a script, and answers with what it returns.
    pub(crate) fn runs(&self, script: &str) -> Result<Value> {
        Ok(self.runtime.block_on(self.client.execute(script, Vec::new()))?)
    }
}

/// The driver takes the window for higher than the page's part of it is.
async fn click(client: &Client, element: fantoccini::elements::Element) -> Result<()> {
    let here = serde_json::to_value(&element)?;
    client.execute("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", vec![here]).await?;
    Ok(element.click().await?)
}

fn options(look: Look, profile: &std::path::Path) -> Value {
    let (width, height) = look.window;
    let mut args: Vec<String> = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-sync",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-extensions",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    ]
    .map(str::to_owned)
    .into();
    args.push(format!("--window-size={width},{height}"));
    args.push(format!("--user-data-dir={}", profile.display()));
    // 0 is dark.
    let scheme = format!("preferredColorScheme={}", u8::from(!look.dark));
    let scripts = (!look.scripts).then(|| "scriptEnabled=false".to_owned());
    let settings: Vec<_> = scripts.into_iter().chain([scheme]).collect();
    args.push(format!("--blink-settings={}", settings.join(",")));
    json!({"args": args, "binary": browser::path()})
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.runtime.block_on(self.client.clone().close());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
