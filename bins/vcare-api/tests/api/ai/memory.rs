//! Audio goes through, and stays nowhere.

use crate::support::{Program, audio};

const MEGABYTE: usize = 1024 * 1024;

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figure is what one wants to know")]
async fn eight_uploads_of_thirty_megabytes_cost_the_api_less_than_forty() {
    let program = Program::start("ai.parallel_per_visit = 8\nai.deadline_ms = 20000").await;
    let (visit, _) = program.active_visit().await;
    let clinician = program.token("clinician");
    program.transcribe(&clinician, &visit, audio(MEGABYTE)).await.expect(200);
    let before = program.memory("VmRSS");
    let piece = actix_web::web::Bytes::from(audio(30 * MEGABYTE));
    let uploads = (0..8).map(|_| program.transcribe(&clinician, &visit, piece.clone()));
    for answer in futures_util::future::join_all(uploads).await {
        answer.expect(200);
    }
    // The highest that it ever was.
    let grown = program.memory("VmHWM").saturating_sub(before);
    println!("eight uploads of 30 MB: {before} kB before, {grown} kB more at the most");
    assert!(grown < 40 * 1024, "{grown} kB");
}
