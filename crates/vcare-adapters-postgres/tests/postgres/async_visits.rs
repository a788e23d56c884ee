//! Visits without a live link: written once under their draft's name, read back as they were written.

use time::Duration;
use vcare_app::ports::{
    AsyncVisitFilter, AsyncVisitReads, FirstSubmission, Ids, JobKind, JobQueue, NewSubmission, StoreError,
};
use vcare_domain::{
    Advice, AppointmentId, AsyncVisit, AsyncVisitId, AsyncVisitStatus, Change, ChiefComplaint, ClaimLease,
    ClientMutationId, ComplaintCode, EncounterId, LanguageTag, NewAsyncVisit, NodeId, Outcome, PatientId, ResponseText,
    SessionId, SessionStatus, Symptom, TenantId,
};

use crate::support::{Bench, HERAT, KABUL, PATIENT, PROVIDER, tenant, told, user};

const COMPLAINT: &str = "سر درد \"سخت\"\r\n🤒\tدرې ورځې";

impl Bench {
    /// A draft of that tenant's, arriving now.
    fn arriving(&self, name: &str, session: Option<SessionId>) -> AsyncVisit {
        let full = session.is_some();
        let new = NewAsyncVisit {
            id: AsyncVisitId::from_uuid(self.ids.uuid()),
            tenant_id: TenantId::parse(name).unwrap(),
            node_id: full.then(|| NodeId::parse("ward-3").unwrap()),
            patient_id: PatientId::parse(PATIENT).unwrap(),
            appointment_id: full.then(|| AppointmentId::parse("appt-9").unwrap()),
            session_id: session,
            client_mutation_id: ClientMutationId::from_uuid(self.ids.uuid()),
            submitted_by: user("pat-account"),
            related_person: None,
            chief_complaint: ChiefComplaint::parse(COMPLAINT).unwrap(),
            symptoms: if full {
                vec![Symptom::parse("تب").unwrap(), Symptom::parse("a,{b}").unwrap()]
            } else {
                vec![]
            },
            locale: full.then(|| LanguageTag::parse("ps").unwrap()),
            attachments_expected: if full { 10 } else { 0 },
            authored_at: full.then(|| self.now() - Duration::days(20_000)),
            complaint_code: full.then(|| {
                let display = Some("سرفه".to_owned());
                ComplaintCode::restore("http://hl7.org/fhir/sid/icd-10".to_owned(), "R05".to_owned(), display).unwrap()
            }),
        };
        AsyncVisit::submit(new, self.now()).unwrap()
    }

    /// Takes it in and commits. What it was first, when it came before.
    async fn take_in(&self, visit: &mut AsyncVisit, body: &str) -> Option<FirstSubmission> {
        let new = new(body);
        let mut tx = self.begin(visit.parts().tenant_id.as_str()).await;
        let known = tx.async_visits().submit(visit, &new).await.unwrap();
        tx.commit().await.unwrap();
        known
    }

    async fn submitted(&self, name: &str) -> AsyncVisit {
        let mut visit = self.arriving(name, None);
        assert_eq!(self.take_in(&mut visit, "{}").await, None);
        visit
    }

    async fn keep(&self, visit: &mut AsyncVisit) {
        let mut tx = self.begin(visit.parts().tenant_id.as_str()).await;
        tx.async_visits().save(visit).await.unwrap();
        tx.commit().await.unwrap();
    }

    async fn reads_back(&self, visit: &AsyncVisit, what: &str) {
        let (whose, id) = (&visit.parts().tenant_id, visit.parts().id);
        let read = self.store.async_visit(whose, id).await.unwrap().unwrap();
        assert_eq!(read.parts(), visit.parts(), "{what}");
        let mut tx = self.begin(whose.as_str()).await;
        let locked = tx.async_visits().find(id).await.unwrap().unwrap();
        assert_eq!((locked.parts(), locked.stored()), (visit.parts(), Some(visit.parts().version)), "{what}");
        tx.rollback().await.unwrap();
    }

    fn change(&self, minutes: i64) -> Change {
        Change { by: user(PROVIDER), at: self.now() + Duration::minutes(minutes), expected: None }
    }
}

fn new(body: &str) -> NewSubmission {
    NewSubmission { content_hash: [7; 32], body: body.as_bytes().to_vec() }
}

/// What it is when it comes again.
fn first(body: &str) -> FirstSubmission {
    FirstSubmission {
        submitted_by: user("pat-account"),
        patient_id: PatientId::parse(PATIENT).unwrap(),
        same_content: true,
        body: body.as_bytes().to_vec(),
    }
}

#[tokio::test]
async fn a_visit_without_a_link_reads_back_after_each_step_of_its_life() {
    let bench = Bench::start().await;
    let session = bench.saved(KABUL, SessionStatus::Failed).await;
    for full in [false, true] {
        let mut visit = bench.arriving(KABUL, full.then(|| session.parts().id));
        assert_eq!(bench.take_in(&mut visit, "{}").await, None);
        bench.reads_back(&visit, "submitted").await;
        let lease = ClaimLease::default();
        assert_eq!(visit.claim(lease, &bench.change(1)), Ok(Outcome::Applied));
        bench.keep(&mut visit).await;
        bench.reads_back(&visit, "claimed").await;
        assert_eq!(visit.release(&bench.change(2)), Ok(Outcome::Applied));
        bench.keep(&mut visit).await;
        bench.reads_back(&visit, "released").await;
        assert_eq!(visit.claim(lease, &bench.change(3)), Ok(Outcome::Applied));
        let answer = ResponseText::parse("استراحت\nوکړئ").unwrap();
        assert_eq!(visit.respond(answer, Advice::InPerson, &bench.change(4)), Ok(Outcome::Applied));
        bench.keep(&mut visit).await;
        bench.reads_back(&visit, "answered").await;
        for words in ["شیدې مه څښئ", "no tea"] {
            assert_eq!(visit.amend(ResponseText::parse(words).unwrap(), &bench.change(5)), Ok(Outcome::Applied));
            bench.keep(&mut visit).await;
            bench.reads_back(&visit, "added to").await;
        }
        assert_eq!(visit.park_encounter(bench.change(5).at), Ok(Outcome::Applied));
        bench.keep(&mut visit).await;
        bench.reads_back(&visit, "parked").await;
        let other = PatientId::parse("pat-stayed").unwrap();
        assert_eq!(visit.repoint_encounter(other, bench.change(5).at), Ok(Outcome::Applied));
        bench.keep(&mut visit).await;
        bench.reads_back(&visit, "repointed").await;
        assert_eq!(visit.close(&bench.change(6)), Ok(Outcome::Applied));
        bench.keep(&mut visit).await;
        bench.reads_back(&visit, "closed").await;
        let charged = "async_visit WHERE charged_at IS NOT NULL";
        let before = bench.count(charged).await;
        let encounter = EncounterId::parse("enc-1").unwrap();
        assert_eq!(visit.record_encounter(encounter, bench.change(7).at), Ok(Outcome::Applied));
        bench.keep(&mut visit).await;
        bench.reads_back(&visit, "recorded").await;
        assert_eq!(bench.count(charged).await, before + 1);
    }
    assert_eq!(bench.count("retry_job WHERE kind = 'create_async_encounter'").await, 2);
}

#[tokio::test]
async fn a_draft_that_arrives_again_writes_nothing_and_is_told_what_it_was() {
    let bench = Bench::start().await;
    let mut visit = bench.submitted(KABUL).await;
    let before = (bench.count("async_visit").await, bench.count("outbox").await);
    let mut again = bench.arriving(KABUL, None);
    let parts =
        vcare_domain::AsyncVisitParts { client_mutation_id: visit.parts().client_mutation_id, ..again.parts().clone() };
    let draft = parts.client_mutation_id;
    again = AsyncVisit::restore(parts);
    assert_eq!(bench.take_in(&mut again, "{\"other\":1}").await, Some(first("{}")));
    assert_eq!((bench.count("async_visit").await, bench.count("outbox").await), before);
    // Also when the visit has moved on.
    assert_eq!(visit.claim(ClaimLease::default(), &bench.change(1)), Ok(Outcome::Applied));
    bench.keep(&mut visit).await;
    assert_eq!(bench.store.first_submission(&tenant(KABUL), draft, &[7; 32]).await.unwrap(), Some(first("{}")));
    // Another tenant's draft of the same name is another draft.
    assert_eq!(bench.store.first_submission(&tenant(HERAT), draft, &[7; 32]).await.unwrap(), None);
}

#[tokio::test]
async fn who_sends_the_same_draft_at_the_same_moment_waits_for_what_becomes_of_the_first() {
    let bench = Bench::start().await;
    for commits in [true, false] {
        let mut visit = bench.arriving(KABUL, None);
        let mut twin = AsyncVisit::restore(vcare_domain::AsyncVisitParts {
            id: AsyncVisitId::from_uuid(bench.ids.uuid()),
            ..visit.parts().clone()
        });
        let mut tx = bench.begin(KABUL).await;
        assert_eq!(tx.async_visits().submit(&mut visit, &new("{}")).await.unwrap(), None);
        let later = async { bench.take_in(&mut twin, "{\"second\":1}").await };
        let earlier = async {
            bench.until_somebody_waits().await;
            if commits { tx.commit().await.unwrap() } else { tx.rollback().await.unwrap() }
        };
        let (known, ()) = tokio::join!(later, earlier);
        assert_eq!(known, commits.then(|| first("{}")));
    }
    assert_eq!(bench.count("async_visit").await, 2);
}

#[tokio::test]
async fn a_visit_without_a_link_is_written_only_at_the_version_it_was_read_at() {
    let bench = Bench::start().await;
    let visit = bench.submitted(KABUL).await;
    let (mut one, mut two) = (AsyncVisit::restore(visit.parts().clone()), AsyncVisit::restore(visit.parts().clone()));
    for visit in [&mut one, &mut two] {
        assert_eq!(visit.claim(ClaimLease::default(), &bench.change(1)), Ok(Outcome::Applied));
    }
    bench.keep(&mut one).await;
    let mut tx = bench.begin(KABUL).await;
    assert!(matches!(tx.async_visits().save(&mut two).await, Err(StoreError::Conflict)));
    tx.rollback().await.unwrap();
}

#[tokio::test]
async fn the_queue_lists_the_oldest_first_page_by_page_and_finds_what_nobody_holds_any_more() {
    let bench = Bench::start().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        // Two at the same moment.
        bench.clock.advance(Duration::minutes(i64::from(all.len() != 2)));
        all.push(bench.submitted(KABUL).await);
    }
    bench.submitted(HERAT).await;
    for (held, minutes) in [(1, 10), (3, 60)] {
        let lease = ClaimLease::minutes(minutes).unwrap();
        assert_eq!(all[held].claim(lease, &bench.change(0)), Ok(Outcome::Applied));
        bench.keep(&mut all[held]).await;
    }
    let ids = |page: &[AsyncVisit]| page.iter().map(|visit| visit.parts().id).collect::<Vec<_>>();
    let mut listed = Vec::new();
    let mut filter = AsyncVisitFilter { limit: 2, ..AsyncVisitFilter::default() };
    loop {
        let page = bench.store.async_visits(&tenant(KABUL), &filter).await.unwrap();
        listed.extend(ids(&page.items));
        filter.after = page.next;
        if page.next.is_none() {
            break;
        }
    }
    let mut expected = all.iter().map(|visit| (visit.parts().submitted_at, visit.parts().id)).collect::<Vec<_>>();
    expected.sort();
    assert_eq!(listed, expected.into_iter().map(|(_, id)| id).collect::<Vec<_>>());

    let list = async |filter: AsyncVisitFilter| {
        let page = bench.store.async_visits(&tenant(KABUL), &AsyncVisitFilter { limit: 100, ..filter }).await.unwrap();
        page.items.len()
    };
    let any = AsyncVisitFilter::default;
    let claimable = async |minutes| {
        list(AsyncVisitFilter { claimable_at: Some(bench.now() + Duration::minutes(minutes)), ..any() }).await
    };
    assert_eq!((claimable(0).await, claimable(9).await, claimable(10).await, claimable(60).await), (3, 3, 4, 5));
    assert_eq!(list(AsyncVisitFilter { statuses: vec![AsyncVisitStatus::UnderReview], ..any() }).await, 2);
    assert_eq!(list(AsyncVisitFilter { provider_id: Some(user(PROVIDER)), ..any() }).await, 2);
    assert_eq!(list(AsyncVisitFilter { provider_id: Some(user("dr-noori")), ..any() }).await, 0);
    assert_eq!(list(AsyncVisitFilter { patient_id: Some(PatientId::parse("pat-2").unwrap()), ..any() }).await, 0);
}

#[tokio::test]
async fn an_answer_and_its_job_are_one_commit() {
    let bench = Bench::start().await;
    let mut visit = bench.submitted(KABUL).await;
    assert_eq!(visit.claim(ClaimLease::default(), &bench.change(0)), Ok(Outcome::Applied));
    bench.keep(&mut visit).await;
    let answer = ResponseText::parse("rest").unwrap();
    assert_eq!(visit.respond(answer, Advice::None, &bench.change(1)), Ok(Outcome::Applied));
    let mut tx = bench.begin(KABUL).await;
    tx.async_visits().save(&mut visit.clone()).await.unwrap();
    drop(tx);
    assert_eq!(bench.count("retry_job").await, 0);
    bench.keep(&mut visit).await;
    let later = bench.now() + Duration::minutes(1);
    let leased = bench.jobs().lease(JobKind::CreateAsyncEncounter, later, Duration::MINUTE, 9).await.unwrap();
    assert_eq!(leased.len(), 1);
    assert_eq!(leased[0].session_id.as_uuid(), visit.parts().id.as_uuid());
    assert!(bench.jobs().lease(JobKind::CreateEncounter, later, Duration::MINUTE, 9).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_was_submitted_cannot_be_changed_and_no_visit_can_be_deleted() {
    let bench = Bench::start().await;
    bench.submitted(KABUL).await;
    let granted = "SELECT string_agg(column_name, ' ' ORDER BY column_name) FROM information_schema.column_privileges
                   WHERE grantee = 'vcare_api' AND table_name = 'async_visit' AND privilege_type = 'UPDATE'";
    let granted: String = bench.database.query_one(granted, &[]).await.unwrap().get(0);
    for column in [
        "chief_complaint",
        "complaint_code",
        "symptoms",
        "authored_at",
        "authored_at_missing",
        "submitted_at",
        "original_body",
        "content_hash",
    ] {
        assert!(!granted.split(' ').any(|name| name == column), "{column} can be changed");
    }
    let deleting = "SELECT has_table_privilege('vcare_api', 'async_visit', 'DELETE')";
    assert!(!bench.database.query_one(deleting, &[]).await.unwrap().get::<_, bool>(0));
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_told_by_table_and_column_and_without_its_words() {
    let bench = Bench::start().await;
    let drop = "DO $$ DECLARE c record; BEGIN
        FOR c IN SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = 'async_visit'::regclass
        LOOP EXECUTE format('ALTER TABLE async_visit DROP CONSTRAINT %I', c.conname); END LOOP; END $$";
    bench.database.client().await.unwrap().batch_execute(drop).await.unwrap();
    for (column, value) in [
        ("status", "'lost'"),
        ("patient_id", "''"),
        ("node_id", "'ward 3'"),
        ("appointment_id", "'a/b'"),
        ("submitted_by", "' '"),
        ("chief_complaint", "repeat('x', 8001)"),
        ("symptoms", "'{\"\"}', chief_complaint = 'of the version before'"),
        ("locale", "'fa_AF'"),
        ("attachments_expected", "-1"),
        ("version", "-1"),
        ("provider_id", "NULL"),
        ("claimed_at", "NULL"),
        ("responded_at", "NULL"),
        ("response_text", "''"),
        ("follow_up", "'surgery'"),
        ("encounter_status", "'not_required'"),
        ("encounter_status", "NULL"),
        ("encounter_id", "'a b'"),
        ("encounter_patient_id", "'a/b'"),
        ("complaint_code", "'R05', chief_complaint = 'of the version before'"),
        ("addenda", "'[{\"by\": \"dr-1\", \"at\": \"2026-03-01T09:30:00Z\", \"text\": \"\"}]'"),
        ("addenda", "'{}'"),
    ] {
        let mut visit = bench.submitted(KABUL).await;
        let answer = ResponseText::parse("take two tablets").unwrap();
        assert_eq!(visit.claim(ClaimLease::default(), &bench.change(1)), Ok(Outcome::Applied));
        assert_eq!(visit.respond(answer, Advice::None, &bench.change(2)), Ok(Outcome::Applied));
        let encounter = EncounterId::parse("enc-1").unwrap();
        assert_eq!(visit.record_encounter(encounter, bench.now()), Ok(Outcome::Applied));
        bench.keep(&mut visit).await;
        let change = format!("UPDATE async_visit SET {column} = {value} WHERE id = $1");
        assert_eq!(bench.run(&change, &[visit.parts().id.as_uuid()]).await, 1);
        match bench.store.async_visit(&tenant(KABUL), visit.parts().id).await {
            Err(error @ StoreError::Corrupt { table, column: at }) => {
                assert_eq!((table, at), ("async_visit", column), "{column} = {value}");
                assert!(!told(&error).contains("tablets") && !told(&error).contains("xxx"));
            }
            Err(other) => panic!("{column}: {}", told(&other)),
            Ok(_) => panic!("{column} = {value} was believed"),
        }
    }
}
