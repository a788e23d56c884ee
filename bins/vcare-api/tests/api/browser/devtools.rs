//! The few words of the DevTools protocol that the tests need: calls that are answered, and events that are kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use vcare_testkit::Browser;

type Answers = Mutex<HashMap<u64, oneshot::Sender<Value>>>;

/// A browser and its socket.
pub struct Devtools {
    calls: mpsc::UnboundedSender<Message>,
    next: AtomicU64,
    answers: Arc<Answers>,
    events: Arc<Mutex<Vec<Value>>>,
    _browser: Browser,
}

impl Devtools {
    pub async fn start() -> Arc<Self> {
        let browser = Browser::start().await.unwrap();
        let (socket, _) = connect_async(browser.devtools()).await.unwrap();
        let (mut out, mut from) = socket.split();
        let (calls, mut called) = mpsc::unbounded_channel::<Message>();
        let (answers, events) = (Arc::<Answers>::default(), Arc::<Mutex<Vec<Value>>>::default());
        tokio::spawn(async move {
            while let Some(call) = called.recv().await {
                if out.send(call).await.is_err() {
                    break;
                }
            }
        });
        let (answered, happened) = (Arc::clone(&answers), Arc::clone(&events));
        tokio::spawn(async move {
            while let Some(Ok(message)) = from.next().await {
                let Ok(text) = message.into_text() else { continue };
                let Ok(message) = serde_json::from_str::<Value>(&text) else { continue };
                match message["id"].as_u64() {
                    Some(id) => {
                        if let Some(answer) = answered.lock().unwrap().remove(&id) {
                            let _ = answer.send(message);
                        }
                    }
                    None => happened.lock().unwrap().push(message),
                }
            }
            // Whoever waits for an answer is told that none will come.
            answered.lock().unwrap().clear();
        });
        Arc::new(Self { calls, next: AtomicU64::new(1), answers, events, _browser: browser })
    }

    /// Calls a method, of a tab's when its session is given. Answers the result, or the error as a text.
    pub async fn call(&self, session: Option<&str>, method: &str, params: Value) -> Result<Value, String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut call = json!({"id": id, "method": method, "params": params});
        if let Some(session) = session {
            call["sessionId"] = json!(session);
        }
        let (answer, answered) = oneshot::channel();
        self.answers.lock().unwrap().insert(id, answer);
        self.calls.send(Message::text(call.to_string())).map_err(|error| error.to_string())?;
        let mut message = answered.await.map_err(|_| "the browser is gone".to_owned())?;
        match message.get("error") {
            Some(error) => Err(format!("{method}: {error}")),
            None => Ok(message["result"].take()),
        }
    }

    /// What happened so far in a tab, oldest first: the events of that name, their parameters.
    pub fn events(&self, session: &str, method: &str) -> Vec<Value> {
        let events = self.events.lock().unwrap();
        let ours = events.iter().filter(|event| event["sessionId"] == session && event["method"] == method);
        ours.map(|event| event["params"].clone()).collect()
    }
}
