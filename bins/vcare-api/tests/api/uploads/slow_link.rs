//! How long a photo takes over a link of 2G: a measurement, which asserts no time.

use std::time::Duration;

use super::proxy::{BadLink, Trouble};
use super::tus_js::{server, upload};
use crate::support::TestApp;

/// 32 kbit/s upwards, 700 ms until the first word of an answer, and a cut every 25 s.
const TROUBLE: Trouble = Trouble {
    cut_after_bytes: None,
    cut_every: Some(Duration::from_secs(25)),
    bytes_a_second: Some(4000),
    delay: Duration::from_millis(700),
};
const PHOTO: usize = 200_000;

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "the figures are what one wants to know")]
#[ignore = "measures for minutes: just bench-upload"]
async fn a_photo_over_2g() {
    for chunk in [64 * 1024, 256 * 1024] {
        let app = TestApp::start().await;
        let link = BadLink::to(server(&app), TROUBLE).await;
        // It begins as a photo does, or it would be refused at once.
        let photo = [b"\xFF\xD8\xFF".as_slice(), &vec![7; PHOTO - 3]].concat();
        let told = upload(&app, &link, &photo, chunk).await;
        let ideal = PHOTO as f64 / 4000.0;
        let took = told.millis as f64 / 1000.0;
        println!(
            "{PHOTO} bytes in chunks of {chunk}: {took:.1} s, {:.3} times the ideal {ideal:.1} s; {} cuts; {:?}",
            took / ideal,
            link.cuts(),
            told.requests
        );
    }
}
