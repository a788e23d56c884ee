//! VCARE-US-011, VCARE-US-012: what a patient says is in the answer to their clinician, and in the chart if they let it, and
//! in nothing else that the service writes, says or keeps.

use std::fmt::Write;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use vcare_app::Role;
use vcare_testkit::{AiSays, Consents, Mode, Name, ServiceProcess, StreamReader};

use crate::secrets::must_not_hold;
use crate::support::{Answer, CONSENTED, Program, Visit, audio};

/// What is said, drafted, corrected and sent by mistake: each once.
const SAID: &str = "planted-said: night sweats since Nawruz";
const CORRECTED: &str = "planted-corrected: night sweats, and a weak left arm";
const DRAFTED: &str = "planted-drafted: suspected tuberculosis";
const EDITED: &str = "planted-edited: tuberculosis excluded";
const MISTAKEN: &str = "planted-mistaken: my husband must not know";
const PLANTED: [&str; 5] = [SAID, CORRECTED, DRAFTED, EDITED, MISTAKEN];

/// What the chart has of it when all is done.
const IN_THE_CHART: usize = 2;

struct Day {
    program: Program,
    worker: ServiceProcess,
    visit: Visit,
    clinician: String,
    /// What everybody else was answered.
    answers: String,
}

impl Day {
    async fn begin() -> Self {
        let program = Program::start("log.filter = \"trace\"\nai.stall_seconds = 1").await;
        let worker = program.worker().await;
        let (visit, _) = program.active_visit().await;
        program.standins.ai().hear(&[SAID]);
        program.standins.ai().write(DRAFTED);
        let clinician = program.token("clinician");
        Self { program, worker, visit, clinician, answers: String::new() }
    }

    fn note(&mut self, answer: &Answer) {
        let _ = writeln!(self.answers, "{:?}\n{}", answer.headers, String::from_utf8_lossy(&answer.bytes));
    }

    /// An audio whose bytes can be read.
    fn spoken() -> Vec<u8> {
        [audio(100), SAID.as_bytes().to_vec()].concat()
    }

    async fn transcribe(&self) -> Answer {
        self.program.transcribe(&self.clinician, &self.visit, Self::spoken()).await
    }

    async fn draft(&self) -> String {
        let drafted = self.program.summarise(&self.clinician, &self.visit, CORRECTED).await.expect(201);
        assert_eq!(drafted.text("text"), DRAFTED);
        drafted.text("draftId")
    }

    async fn decide(&self, decision: &Value) -> Answer {
        self.program.decide(&self.clinician, &self.visit, decision).await
    }

    async fn all_goes_well(&self) {
        assert!(self.transcribe().await.expect(200).text("transcript").contains(SAID));
        let draft = self.draft().await;
        self.decide(&json!({"draftId": draft, "accepted": true})).await.expect(200);
        let draft = self.draft().await;
        self.decide(&json!({"draftId": draft, "accepted": true, "editedText": EDITED})).await.expect(200);
        let draft = self.draft().await;
        self.decide(&json!({"draftId": draft, "accepted": false})).await.expect(200);
    }

    /// What the gateway, or somebody before it, says no to.
    async fn all_is_refused(&mut self) {
        let program = &self.program;
        let refusal =
            json!({"error": {"code": "AI_POLICY_DENY", "message": format!("{SAID} {CORRECTED}")}}).to_string();
        let mut refused = Vec::new();
        let says = AiSays::This { status: 403, content_type: "application/json", body: refusal };
        program.standins.ai().say(Some(says));
        refused.push(self.transcribe().await.refused(422, "AI_REFUSED"));
        refused.push(program.summarise(&self.clinician, &self.visit, CORRECTED).await.refused(422, "AI_REFUSED"));
        program.standins.ai().say(None);
        program.standins.set_consent(CONSENTED, Consents::TELEHEALTH);
        refused.push(self.transcribe().await.refused(403, "CONSENT_REQUIRED"));
        refused.push(program.summarise(&self.clinician, &self.visit, CORRECTED).await.refused(403, "CONSENT_REQUIRED"));
        program.standins.set_consent(CONSENTED, Consents::ALL);
        for mistake in [
            json!({"draftId": MISTAKEN, "accepted": true}),
            json!({"draftId": "drf_01KA8Z0Q3CJ9XW2V5T7N4B6M8T", "accepted": MISTAKEN}),
            json!({"draftId": "drf_01KA8Z0Q3CJ9XW2V5T7N4B6M8T", "accepted": true, "editedText": [MISTAKEN]}),
            json!({"draftId": "drf_01KA8Z0Q3CJ9XW2V5T7N4B6M8T", "accepted": true, "editedText": MISTAKEN.repeat(900)}),
            json!({"draftId": "drf_01KA8Z0Q3CJ9XW2V5T7N4B6M8T", "accepted": true, "editedText": MISTAKEN}),
        ] {
            let answer = self.decide(&mistake).await;
            assert!((400..500).contains(&answer.status), "{}", answer.body);
            refused.push(answer);
        }
        let path = self.visit.path("/ai/summary");
        for body in [
            format!("{{\"transcript\": \"{MISTAKEN}\""),
            format!("{{\"transcript\": {MISTAKEN}}}"),
            MISTAKEN.to_owned(),
        ] {
            let request = program.request(Method::POST, &path).bearer_auth(&self.clinician);
            refused.push(program.send(request.header("Content-Type", "application/json").body(body)).await.expect(400));
        }
        refused.push(
            program.transcribe(&self.clinician, &self.visit, MISTAKEN).await.refused(415, "UNSUPPORTED_MEDIA_TYPE"),
        );
        for answer in &refused {
            self.note(answer);
        }
    }

    /// Whoever has it says it again, and louder.
    async fn all_goes_wrong(&mut self) {
        let mut failed = Vec::new();
        for status in [500, 400, 200] {
            self.program.standins.ai().say(Some(AiSays::AnEcho { status }));
            failed.push(self.transcribe().await);
            failed.push(self.program.summarise(&self.clinician, &self.visit, CORRECTED).await);
        }
        let page = format!("<h1>{SAID} {CORRECTED} {DRAFTED}</h1>");
        self.program.standins.ai().say(Some(AiSays::This { status: 200, content_type: "text/html", body: page }));
        failed.push(self.transcribe().await);
        for answer in &failed {
            assert!(matches!(answer.status, 422 | 503), "{}", answer.body);
            self.note(answer);
        }
        self.program.standins.ai().say(None);
    }

    /// Before the breaker is closed again there is nothing to be accepted: this comes before all that goes wrong.
    async fn the_chart_is_away(&self) {
        let (kept, edited) = (self.draft().await, self.draft().await);
        self.program.standins.set_mode(Name::Chart, Mode::WRONG);
        self.decide(&json!({"draftId": kept, "accepted": true})).await.expect(202);
        self.decide(&json!({"draftId": edited, "accepted": true, "editedText": EDITED})).await.expect(202);
    }

    /// Everybody else looks at everything that they may.
    async fn everybody_looks(&mut self) {
        for role in Role::ALL {
            let token = self.program.token(role.as_str());
            for path in
                [self.visit.path(""), "/sessions".to_owned(), "/reconciliation".to_owned(), "/config".to_owned()]
            {
                let answer = self.program.get(&token, &path).await;
                self.note(&answer);
            }
            let decision = json!({"draftId": "drf_01KA8Z0Q3CJ9XW2V5T7N4B6M8T", "accepted": true});
            let answer = self.program.decide(&token, &self.visit, &decision).await;
            self.note(&answer);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn us_011_us_012_nothing_of_what_a_patient_says_is_logged_kept_published_or_shown_to_others() {
    let mut day = Day::begin().await;
    day.all_goes_well().await;
    day.the_chart_is_away().await;
    day.everybody_looks().await;
    let held = day.program.database.dump().await.unwrap();
    assert!(held.contains("COPY public.ai_draft") && day.program.a_text_is_held().await);
    day.all_is_refused().await;
    day.all_goes_wrong().await;
    day.program.standins.set_mode(Name::Chart, Mode::UP);
    let all_decided = "SELECT NOT EXISTS (SELECT FROM ai_draft WHERE sealed IS NOT NULL)";
    day.program.database.until(all_decided, Duration::from_secs(60)).await.unwrap();
    day.everybody_looks().await;

    let Day { mut program, mut worker, mut answers, .. } = day;
    answers += &program.metrics().await;
    assert!(answers.contains("vcare_ai_requests_total") && answers.contains("vcare_ai_drafts_total"));
    program.database.until("SELECT NOT EXISTS (SELECT FROM outbox)", Duration::from_secs(20)).await.unwrap();
    let events = StreamReader::connect(&program.nats.url()).await.unwrap().all().await.unwrap();
    let events: Vec<Value> = events.iter().map(|message| message.json()).collect();
    let events = serde_json::to_string_pretty(&events).unwrap();
    assert!(events.contains("AI_SUMMARY_ACCEPTED") && events.contains("AI_SUMMARY_DELIVERED"), "{events}");
    let dump = program.database.dump().await.unwrap();
    tokio::join!(program.process.stop(), worker.stop());
    let [log, work] = [&program.process, &worker].map(|process| std::fs::read_to_string(process.log_file()).unwrap());
    for (log, line) in [(&log, "/ai/transcribe"), (&work, "working")] {
        assert!(log.contains("\"TRACE\"") && log.contains(line), "{line}");
    }
    for planted in PLANTED {
        for (text, place) in [
            (&held, "the database before all is decided"),
            (&dump, "the database"),
            (&log, "the log"),
            (&work, "the worker's log"),
            (&events, "an event"),
            (&answers, "an answer to somebody else, or a refusal"),
        ] {
            must_not_hold(text, place, planted.as_bytes());
            // Nor is half of it.
            let (_, words) = planted.split_once(": ").unwrap();
            must_not_hold(text, place, words.as_bytes());
        }
    }
    let notes = serde_json::to_string(&program.standins.notes()).unwrap();
    assert_eq!(
        (notes.matches(DRAFTED).count(), notes.matches(EDITED).count()),
        (IN_THE_CHART, IN_THE_CHART),
        "{notes}"
    );
}
