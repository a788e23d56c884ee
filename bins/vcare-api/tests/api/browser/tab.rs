//! A phone's tab, and what a person does and sees in it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::devtools::Devtools;

const PATIENCE: Duration = Duration::from_secs(40);

/// How the line is.
#[derive(Debug, Clone, Copy)]
pub enum Line {
    Good,
    Gone,
    /// Twenty kilobytes a second.
    Thin,
    /// Two seconds for a kilobyte, and most of a second for a word there and back.
    Slow,
}

/// How a phone is.
#[derive(Debug, Clone, Copy)]
pub struct Phone {
    /// What it speaks, as `Accept-Language` has it.
    pub languages: &'static str,
    /// How wrong its clock is, in hours.
    pub hours_ahead: i64,
}

impl Default for Phone {
    fn default() -> Self {
        Self { languages: "en", hours_ahead: 0 }
    }
}

/// A tab of a phone of its own: it shares no storage with any other.
pub struct Tab {
    devtools: Arc<Devtools>,
    session: String,
}

impl Tab {
    /// Takes a phone in hand.
    pub async fn of(devtools: &Arc<Devtools>, phone: Phone) -> Self {
        let call = async |method: &str, params: Value| devtools.call(None, method, params).await.unwrap();
        let context = call("Target.createBrowserContext", json!({})).await["browserContextId"].clone();
        let target = json!({"url": "about:blank", "browserContextId": context});
        let target = call("Target.createTarget", target).await["targetId"].clone();
        let attached = call("Target.attachToTarget", json!({"targetId": target, "flatten": true})).await;
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let tab = Self { devtools: Arc::clone(devtools), session };
        for domain in ["Page", "Runtime", "Network", "Log"] {
            tab.call(&format!("{domain}.enable"), json!({})).await;
        }
        let agent = "Mozilla/5.0 (Linux; Android 7.0) AppleWebKit/537.36 Chrome/60.0.3112.116 Mobile Safari/537.36";
        let agent = json!({"userAgent": agent, "acceptLanguage": phone.languages});
        tab.call("Network.setUserAgentOverride", agent).await;
        tab.size(320, 640).await;
        if phone.hours_ahead != 0 {
            let script = WRONG_CLOCK.replace("HOURS", &phone.hours_ahead.to_string());
            tab.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
        }
        tab
    }

    pub async fn call(&self, method: &str, params: Value) -> Value {
        self.devtools.call(Some(&self.session), method, params).await.unwrap()
    }

    /// What happened in it so far.
    pub fn events(&self, method: &str) -> Vec<Value> {
        self.devtools.events(&self.session, method)
    }

    /// From the next page on, answers are read as this expression makes them of their `text`.
    pub async fn change_answers(&self, expression: &str) {
        let script = CHANGED_ANSWERS.replace("EXPRESSION", expression);
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    }

    /// From the next page on, this is decided on the line, unless the person prefers less.
    pub async fn decide_on_line(&self, mode: &str) {
        let script = DECIDED_LINE.replace("MODE", mode);
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": script})).await;
    }

    pub async fn size(&self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": true});
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Opens an address, and waits until it is there.
    pub async fn open(&self, url: &str) {
        self.call("Page.navigate", json!({"url": url})).await;
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'").await;
    }

    /// Loads it again, as a person does who is worried.
    pub async fn reload(&self) {
        self.eval("window.before = true").await;
        self.call("Page.reload", json!({})).await;
        self.until("!window.before && document.readyState === 'complete'").await;
    }

    pub async fn line(&self, line: Line) {
        let (offline, latency, down, up) = match line {
            Line::Good => (false, 0, -1, -1),
            Line::Gone => (true, 0, 0, 0),
            Line::Thin => (false, 100, 20_000, 20_000),
            Line::Slow => (false, 600, 4000, 2000),
        };
        let conditions =
            json!({"offline": offline, "latency": latency, "downloadThroughput": down, "uploadThroughput": up});
        self.call("Network.emulateNetworkConditions", conditions).await;
    }

    /// What an expression is in the page; null when it fails, as it does while the page is being changed for another.
    pub async fn eval(&self, expression: &str) -> Value {
        let wish = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.devtools.call(Some(&self.session), "Runtime.evaluate", wish).await;
        // An error, too, is told as a result, and has no value.
        answer.map_or(Value::Null, |mut answer| answer["result"]["value"].take())
    }

    /// Waits until an expression is true.
    pub async fn until(&self, expression: &str) {
        let deadline = Instant::now() + PATIENCE;
        while self.eval(&format!("!!({expression})")).await != true {
            assert!(Instant::now() < deadline, "never: {expression}; the page says {}", self.seen().await);
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the page says this, in these very words.
    pub async fn says(&self, text: &str) {
        self.until(&format!("document.getElementById('say').textContent === {}", json!(text))).await;
    }

    /// The text of one of its parts.
    pub async fn text(&self, id: &str) -> String {
        let text = self.eval(&format!("document.getElementById({}).textContent", json!(id))).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// All that is seen.
    pub async fn seen(&self) -> String {
        self.eval("document.body ? document.body.innerText : ''").await.to_string()
    }

    /// Presses a button with a finger, when it is there.
    pub async fn press(&self, id: &str) {
        self.touch(&format!("#{id}")).await;
    }

    /// Chooses a language.
    pub async fn speak(&self, language: &str) {
        self.touch(&format!("nav [lang={language}]")).await;
    }

    async fn touch(&self, selector: &str) {
        let button = format!("document.querySelector({})", json!(selector));
        self.until(&format!("{button} && {button}.offsetParent")).await;
        let middle = format!(
            "(() => {{ const button = {button}; button.scrollIntoView({{ block: 'center' }});
            const box = button.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        );
        let middle = self.eval(&middle).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let finger = json!({"type": kind, "x": middle[0], "y": middle[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", finger).await;
        }
    }

    /// A picture of what is seen, as PNG in base64.
    pub async fn picture(&self) -> String {
        let picture = self.call("Page.captureScreenshot", json!({"format": "png"})).await;
        picture["data"].as_str().unwrap().to_owned()
    }

    /// The requests so far to addresses that end so, oldest first.
    pub fn asked(&self, end: &str) -> Vec<Value> {
        let requests = self.events("Network.requestWillBeSent").into_iter().map(|mut event| event["request"].take());
        requests.filter(|request| request["url"].as_str().unwrap().ends_with(end)).collect()
    }

    /// Waits for a request to an address that ends so, the first after so many.
    pub async fn asks(&self, end: &str, after: usize) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(request) = self.asked(end).get(after) {
                return request.clone();
            }
            assert!(Instant::now() < deadline, "{end} was not asked for: {:?}", self.addresses());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Every address that was asked for so far.
    pub fn addresses(&self) -> Vec<String> {
        self.asked("").iter().map(|request| request["url"].as_str().unwrap().to_owned()).collect()
    }

    /// What must hold for every tab when its test is done: the secret stood in no address, no header that tells where
    /// somebody came from and no storage; the page broke no policy and told the console nothing. That a request failed
    /// is told by the browser itself.
    pub async fn must_have_behaved(&self, page: &str, secret: &str) {
        for request in self.events("Network.requestWillBeSent") {
            let request = &request["request"];
            assert!(!request["url"].as_str().unwrap().contains(secret), "{request}");
            assert!(request["headers"]["Referer"].as_str().is_none_or(|from| !from.starts_with(page)), "{request}");
        }
        if self.eval("location.href").await.as_str().is_some_and(|here| here.starts_with(page)) {
            let stored =
                self.eval("JSON.stringify([localStorage, sessionStorage, history.state, document.cookie])").await;
            assert!(!stored.as_str().unwrap().contains(secret), "{stored}");
        }
        let thrown = self.events("Runtime.exceptionThrown");
        assert!(thrown.is_empty(), "{thrown:?}");
        let told = self.events("Runtime.consoleAPICalled");
        assert!(told.is_empty(), "{told:?}");
        for entry in self.events("Log.entryAdded") {
            let entry = &entry["entry"];
            let ours = entry["url"].as_str().is_none_or(|url| url.starts_with(page));
            assert!(!ours || entry["source"] == "network", "{entry}");
        }
    }
}

const CHANGED_ANSWERS: &str = "(() => {
    const { get } = Object.getOwnPropertyDescriptor(XMLHttpRequest.prototype, 'responseText');
    Object.defineProperty(XMLHttpRequest.prototype, 'responseText', {
        get() { const text = get.call(this); return EXPRESSION; },
    });
})()";

const DECIDED_LINE: &str = "(() => {
    const own = XMLHttpRequest.prototype, { send } = own, sent = new WeakMap();
    own.send = function (body) { sent.set(this, body); return send.call(this, body); };
    const decides = (name, decided) => {
        const { get } = Object.getOwnPropertyDescriptor(own, name);
        const probe = request => /link-probe$/.test(request.responseURL);
        Object.defineProperty(own, name, { get() { return probe(this) ? decided(this) : get.call(this); } });
    };
    decides('status', () => 200);
    decides('responseText', request => {
        const { prefer } = JSON.parse(sent.get(request));
        const chosen = prefer && prefer !== 'video';
        return JSON.stringify({ mode: chosen ? prefer : 'MODE', capKbps: 30, reason: chosen ? 'chosen' : 'good' });
    });
})()";

const WRONG_CLOCK: &str = "(() => {
    const Real = Date, by = HOURS * 3600000;
    window.Date = function (...given) { return given.length ? new Real(...given) : new Real(Real.now() + by); };
    Object.assign(window.Date, { now: () => Real.now() + by, UTC: Real.UTC, parse: Real.parse, prototype: Real.prototype });
})()";
