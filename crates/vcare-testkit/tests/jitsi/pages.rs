//! What Jitsi's page takes from an address.

use vcare_testkit::standins::jitsi::{Page, Release};

fn page(release: Release, settings: &str) -> Page {
    Page::at(release, &format!("https://meet.example/acme/acme-k3j9x2qa#jwt=%22x%22{settings}")).unwrap()
}

#[test]
fn a_page_without_settings_shows_everybody_and_asks_first() {
    for release in Release::ALL {
        let page = page(release, "");
        assert!(page.prejoin && page.sends_video && page.receives_video, "{release:?}");
        assert_eq!(page.resolution, 720);
    }
}

#[test]
fn each_page_drops_the_name_for_audio_only_that_the_other_one_has() {
    for (release, own, others) in [
        (Release::AudioOnly, "startAudioOnly", "startLowBandwidthMode"),
        (Release::LowBandwidth, "startLowBandwidthMode", "startAudioOnly"),
    ] {
        let taken = page(release, &format!("&config.{own}=true"));
        assert!(!taken.sends_video && !taken.receives_video, "{release:?}");
        let dropped = page(release, &format!("&config.{others}=true"));
        assert!(dropped.sends_video && dropped.receives_video, "{release:?}");
    }
}

#[test]
fn a_muted_camera_keeps_nobody_elses_video_away_and_last_n_does() {
    for release in Release::ALL {
        let muted = page(release, "&config.startWithVideoMuted=true");
        assert!(!muted.sends_video && muted.receives_video, "{release:?}");
        let nobody = page(release, "&config.channelLastN=0");
        assert!(nobody.sends_video && !nobody.receives_video, "{release:?}");
        let five = page(release, "&config.channelLastN=0&config.startLastN=5");
        assert!(five.receives_video, "startLastN comes first");
    }
}

#[test]
fn what_is_on_no_list_or_no_json_is_dropped() {
    for release in Release::ALL {
        let dropped =
            "&config.hosts.domain=%22a%22&config.channelLastN=none&config.resolution=%22180%22&resolution=180";
        assert_eq!(page(release, dropped), page(release, ""), "{release:?}");
        assert_eq!(page(release, "&config.resolution=180").resolution, 180);
        assert!(!page(release, "&config.prejoinConfig.enabled=false").prejoin);
    }
}
