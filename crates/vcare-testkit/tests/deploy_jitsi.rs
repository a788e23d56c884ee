//! What `deploy/jitsi` gives to operators: Jibri's script against a server, the Prosody module under Lua, and the overlay.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use serde_json::{Value, json};
use support::server::{Received, Server};
use tokio::net::TcpListener;
use vcare_testkit::until;

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/jitsi").canonicalize().unwrap()
}

/// A Jibri's folder, which goes with the test.
struct Jibri {
    folder: PathBuf,
    service: String,
}

impl Jibri {
    fn new(name: &str, service: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("vcare-test-{}-jibri-{name}", std::process::id()));
        fs::create_dir_all(folder.join("spool")).unwrap();
        fs::write(folder.join("token"), "service-token\n").unwrap();
        Self { folder, service: service.to_owned() }
    }

    /// A finished recording.
    fn recording(&self, session: &str, media: &[(&str, &str)], metadata: Option<Value>) -> PathBuf {
        let folder = self.folder.join("recordings").join(session);
        fs::create_dir_all(&folder).unwrap();
        for (name, content) in media {
            fs::write(folder.join(name), content).unwrap();
        }
        if let Some(metadata) = metadata {
            fs::write(folder.join("metadata.json"), metadata.to_string()).unwrap();
        }
        folder
    }

    fn run(&self, argument: impl AsRef<std::ffi::OsStr>) -> Output {
        Command::new(deploy().join("jibri/finalize.sh"))
            .arg(argument)
            .env("VCARE_INTERNAL_URL", &self.service)
            .env("VCARE_INTERNAL_TOKEN_FILE", self.folder.join("token"))
            .env("VCARE_JIBRI_SPOOL", self.folder.join("spool"))
            .env("TZ", "Asia/Kabul")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// What the spool holds of one kind.
    fn spooled(&self, kind: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder.join("spool")).unwrap().map(|entry| entry.unwrap().path());
        let hidden = |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with('.');
        entries.filter(|path| path.extension().is_some_and(|found| found == kind) && !hidden(path)).collect()
    }

    /// The one entry, once the script said that it was tried in vain.
    async fn tried(&self) -> PathBuf {
        let log = self.folder.join("spool/flush.log");
        until("it says that it will try again", async || {
            fs::read_to_string(&log).is_ok_and(|log| log.contains("again in 60 s"))
        })
        .await;
        self.spooled("entry").pop().unwrap()
    }
}

impl Drop for Jibri {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn metadata() -> Value {
    json!({
        "meeting_url": "https://meet.jitsi/acme/acme-k3j9x2qa",
        "participants": [{"user": {"id": "p-1", "name": "A Person", "email": "a@b"}}, {"id": "p-2", "name": "Another"}],
        "initiator": {"id": "p-1", "group": "acme"},
        "conference_details": {"session_id": "m-1"},
    })
}

const MEDIA: &str = "acme-k3j9x2qa_2026-11-24-00-33-11.mp4";

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_told_with_its_size_hash_and_room_and_without_names() {
    let server = Server::start(|_| (201, String::new())).await;
    let jibri = Jibri::new("told", &server.url);
    let folder = jibri.recording("s-1", &[(MEDIA, "film")], Some(metadata()));
    let run = jibri.run(&folder);
    assert!(run.status.success() && run.stderr.is_empty(), "{run:?}");
    until("the event has arrived, and is not kept any more", async || {
        server.received().len() == 1 && jibri.spooled("entry").is_empty()
    })
    .await;
    let told = server.received().remove(0);
    assert_eq!((told.method.as_str(), told.path.as_str()), ("POST", "/internal/jibri/recordings"));
    assert_eq!(told.header("authorization"), Some("Bearer service-token"));
    assert_eq!(told.header("content-type"), Some("application/json"));
    assert_eq!(
        told.json(),
        json!({
            "room": "acme-k3j9x2qa",
            "tenant": "acme",
            // Kabul is four and a half hours ahead.
            "startedAt": "2026-11-23T20:03:11Z",
            "files": [{
                "name": MEDIA,
                "size": 4,
                "sha256": "d0607f7ad2628b2af9158dfba06ce87166e66b15bf68f8f358f9aa27ccb7c321",
                "storageKey": format!("acme/acme-k3j9x2qa/s-1/{MEDIA}"),
            }],
            "metadata": {
                "meeting_url": "https://meet.jitsi/acme/acme-k3j9x2qa",
                "participants": [{"id": "p-1"}, {"id": "p-2"}],
                "initiator": {"id": "p-1", "group": "acme"},
                "conference_details": {"session_id": "m-1"},
                "recordingSessionId": "s-1",
            },
        })
    );
    assert!(jibri.spooled("json").is_empty());
    let place = fs::read_to_string(folder.join("vcare-storage-folder")).unwrap();
    assert_eq!(place, "acme/acme-k3j9x2qa/s-1\n", "whatever copies the media knows where to");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_service_is_down_recordings_wait_and_each_is_delivered_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let jibri = Jibri::new("down", &format!("http://{address}"));
    assert!(jibri.run(jibri.recording("s-1", &[(MEDIA, "film")], Some(metadata()))).status.success());
    let entry = jibri.tried().await;
    // What was hashed is told, even if the recording was moved to the storage meanwhile.
    fs::remove_dir_all(jibri.folder.join("recordings")).unwrap();

    let server = Server::on(TcpListener::bind(address).await.unwrap(), |_| (200, String::new()));
    assert!(jibri.run("--flush").status.success());
    assert!(server.received().is_empty(), "it is not due yet");
    File::options().append(true).open(&entry).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    for _ in 0..2 {
        assert!(jibri.run("--flush").status.success());
    }
    assert_eq!(server.received().len(), 1);
    assert_eq!(server.received()[0].json()["files"][0]["size"], 4);
    assert!(jibri.spooled("entry").is_empty() && jibri.spooled("json").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_service_calls_wrong_waits_for_a_person_and_everything_else_for_the_service() {
    for (status, kept) in
        [(400, "refused"), (422, "refused"), (401, "waits"), (404, "waits"), (429, "waits"), (503, "waits")]
    {
        let server = Server::start(move |_| (status, String::new())).await;
        let jibri = Jibri::new(&status.to_string(), &server.url);
        jibri.run(jibri.recording("s-1", &[(MEDIA, "film")], None));
        let refused = jibri.folder.join("spool/refused");
        if kept == "refused" {
            until("both are put aside", async || refused.is_dir() && fs::read_dir(&refused).unwrap().count() == 2)
                .await;
            assert!(jibri.spooled("entry").is_empty(), "{status}");
        } else {
            jibri.tried().await;
            assert!(!refused.exists(), "{status}");
            jibri.run("--flush-now");
            assert_eq!(server.received().len(), 2, "{status}: after an outage all of it is tried, due or not");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_that_went_wrong_is_told_too() {
    let server = Server::start(|_| (204, String::new())).await;
    let jibri = Jibri::new("wrong", &server.url);
    let url = |url: &str| Some(json!({"meeting_url": url}));
    let quoted = "it's \"fine\"_2026-11-24-00-33-11.mp4";
    let cases = [
        jibri.recording("no-media", &[], url("https://meet.jitsi/acme/acme-1?x=1#y")),
        jibri.recording("no-tenant", &[(MEDIA, "a")], url("https://meet.jitsi/Acme-1")),
        jibri.recording("no-metadata", &[(quoted, "b")], None),
        jibri.recording("no-json", &[("metadata.json", "{ not json")], None),
        jibri.folder.join("recordings/gone"),
    ];
    for folder in &cases {
        assert!(jibri.run(folder).status.success(), "{folder:?}");
        until("nothing is kept", async || jibri.spooled("entry").is_empty()).await;
    }
    let told: Vec<Value> = server.received().iter().map(Received::json).collect();
    let seen =
        |at: usize| (told[at]["room"].clone(), told[at]["tenant"].clone(), told[at]["files"].as_array().unwrap().len());
    assert_eq!(seen(0), (json!("acme-1"), json!("acme"), 0));
    assert_eq!(seen(1), (json!("Acme-1"), Value::Null, 1));
    assert_eq!(told[1]["files"][0]["storageKey"], format!("acme-1/no-tenant/{MEDIA}"), "as Jitsi reads the name");
    assert_eq!(seen(2), (json!("it's \"fine\""), Value::Null, 1));
    assert_eq!(told[2]["files"][0]["name"], quoted);
    assert_eq!(seen(3), (Value::Null, Value::Null, 0));
    assert_eq!(seen(4), (Value::Null, Value::Null, 0));
    assert_eq!(told[4]["metadata"], json!({"recordingSessionId": "gone"}));
}

#[test]
fn without_a_token_nothing_is_lost_and_somebody_is_told() {
    let jibri = Jibri::new("token", "http://127.0.0.1:9");
    fs::write(jibri.folder.join("spool/1-s.entry"), "/nowhere\n").unwrap();
    fs::remove_file(jibri.folder.join("token")).unwrap();
    let run = jibri.run("--flush");
    assert!(!run.status.success() && String::from_utf8_lossy(&run.stderr).contains("cannot be read"), "{run:?}");
    assert_eq!(jibri.spooled("entry").len(), 1);
}

/// Loads the module as Prosody does, and answers what the script prints after it.
fn under_lua(keys: &Path, script: &str) -> String {
    let stub = format!(
        r#"
        handlers, said = {{}}, {{}}
        module = {{ host = "meet.jitsi" }}
        function module:get_option_string(name, default) return name == "vcare_tenant_keys_file" and {keys:?} or default end
        function module:hook_global(name, handler) handlers[name] = handler end
        function module:log(level, format, ...) said[#said + 1] = level .. ": " .. string.format(format, ...) end
        function fetch(prefix, host)
            local session = {{ host = host, jitsi_web_query_prefix = prefix, public_key = "from before", jitsi_meet_domain = "sub" }}
            local refused = handlers["pre-jitsi-authentication-fetch-key"](session)
            assert(handlers["pre-jitsi-authentication"](session) == nil)
            if refused then return refused.error .. " " .. refused.reason .. " " .. tostring(refused.res) .. " " .. tostring(session.public_key) end
            return session.public_key .. " " .. session.jitsi_meet_domain
        end
        dofile({module:?})
        {script}
        "#,
        module = deploy().join("prosody/mod_vcare_tenant_keys.lua"),
    );
    let run = Command::new("lua5.4").arg("-e").arg(stub).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn the_module_picks_the_key_by_the_urls_tenant_and_never_the_hosts() {
    let folder = Jibri::new("keys", "");
    let keys = folder.folder.join("keys");
    let (acme, other) = ("a".repeat(32), "b=".repeat(20));
    fs::write(&keys, format!("# tenants\n\nacme={acme}\r\nOther={other}\n")).unwrap();
    let script = r#"
        for _, prefix in ipairs { "acme", "ACME", "other", "nobody", "" } do print(fetch(prefix, "meet.jitsi")) end
        print(fetch(nil, nil))
        print(fetch("nobody", "guest.meet.jitsi"))
        print(table.concat(said, "; "))
    "#;
    let unknown = "not-allowed unknown tenant false nil";
    let expected = [
        format!("{acme} acme"),
        format!("{acme} acme"),
        format!("{other} other"),
        unknown.to_owned(),
        unknown.to_owned(),
        unknown.to_owned(),
        // Another host's logins are none of its business.
        "from before sub".to_owned(),
        "info: secrets of 2 tenants".to_owned(),
    ];
    assert_eq!(under_lua(&keys, script).lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_file_of_keys_with_a_mistake_is_not_used_and_no_secret_is_said() {
    let folder = Jibri::new("mistakes", "");
    let keys = folder.folder.join("keys");
    let good = format!("acme={}\n", "a".repeat(32));
    for (wrong, said) in [
        ("other", "line 2 is not tenant=secret"),
        ("=secretsecretsecretsecretsecretse", "line 2 is not tenant=secret"),
        ("other=se cret", "line 2 is not tenant=secret"),
        ("other=secret", "line 2 has a secret below 32 characters"),
        ("Acme=secretsecretsecretsecretsecretse", "line 2 names its tenant a second time"),
    ] {
        fs::write(&keys, format!("{good}{wrong}\n")).unwrap();
        let out = under_lua(&keys, r#"print(fetch("acme")) print(said[1])"#);
        assert!(out.starts_with("not-allowed unknown tenant"), "{wrong}: {out}");
        assert!(out.contains(said) && !out.contains("secretsecret") && !out.contains("aaaa"), "{wrong}: {out}");
        // At a reload the keys from before stay.
        fs::write(&keys, &good).unwrap();
        let reload = format!(
            "local file = io.open({keys:?}, 'a') file:write({wrong:?}, '\\n') file:close() \
             handlers['config-reloaded']() print(fetch('acme')) print(said[2])"
        );
        let out = under_lua(&keys, &reload);
        assert!(out.starts_with(&"a".repeat(32)) && out.contains(said), "{wrong}: {out}");
    }
    let out = under_lua(Path::new("/nowhere/keys"), r#"print(fetch("acme")) print(said[1])"#);
    assert!(out.starts_with("not-allowed unknown tenant") && out.contains("error:"), "{out}");
}

#[test]
fn the_prosody_snippet_is_lua_and_sends_our_token() {
    let folder = Jibri::new("snippet", "");
    let snippet = fs::read_to_string(deploy().join("prosody/conf.d/vcare.cfg.lua")).unwrap();
    let snippet = snippet.replace("/run/vcare/internal_token", folder.folder.join("token").to_str().unwrap());
    let script = format!(
        r#"
        ENV_VCARE_INTERNAL_URL = "http://api"
        function Component(name) return function(kind) print(name, kind) end end
        {snippet}
        print(reservations_api_headers.Authorization, reservations_enable_max_occupants, token_verification_allowlist[1])
        print(muc_component, api_prefix, api_headers.Authorization, include_user_info)
        "#
    );
    let run = Command::new("lua5.4").arg("-e").arg(script).output().unwrap();
    let expected = "esync.meet.jitsi\tevent_sync_component\n\
                    Bearer service-token\ttrue\thidden.meet.jitsi\n\
                    muc.meet.jitsi\thttp://api/internal/jitsi\tBearer service-token\tfalse\n";
    assert_eq!(String::from_utf8_lossy(&run.stdout), expected, "{}", String::from_utf8_lossy(&run.stderr));
}

#[test]
fn a_token_that_prosody_cannot_read_is_named_with_the_reason() {
    let folder = Jibri::new("unreadable", "");
    let missing = folder.folder.join("nowhere/token");
    let snippet = fs::read_to_string(deploy().join("prosody/conf.d/vcare.cfg.lua")).unwrap();
    let snippet = snippet.replace("/run/vcare/internal_token", missing.to_str().unwrap());
    let script = format!("ENV_VCARE_INTERNAL_URL = 'http://api'\n{snippet}");
    let run = Command::new("lua5.4").arg("-e").arg(script).output().unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(!run.status.success() && said.contains("nowhere/token: No such file or directory"), "{said}");
}

/// Of what docker-jitsi-meet mounts, its user (uid 1000) can write below `/storage` for certain, and not below `/config`.
#[test]
fn jibri_writes_below_storage_alone() {
    let example = fs::read_to_string(deploy().join("env.example")).unwrap();
    assert!(example.lines().any(|line| line == "JIBRI_RECORDING_DIR=/storage/recordings"), "{example}");
    // Without a place of its own the spool is there, too. Nobody runs the tests on a Jibri: the folder cannot be made.
    let run = Command::new("sh")
        .args(["-c", "mkdir() { echo \"$2\" >&2; return 1; }; . \"$0\""])
        .arg(deploy().join("jibri/finalize.sh"))
        .env_remove("VCARE_JIBRI_SPOOL")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&run.stderr), "/storage/vcare-spool\n", "{run:?}");
}

#[test]
fn breakout_rooms_are_off_nothing_unasked_is_loaded_and_the_log_that_redacts_tokens_is_kept() {
    let example = fs::read_to_string(deploy().join("env.example")).unwrap();
    let value = |name: &str| example.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    assert_eq!(value("ENABLE_BREAKOUT_ROOMS"), Some("0"));
    assert_eq!(value("XMPP_MODULES"), Some("filter_iq_jibri,filter_iq_rayo,muc_end_meeting"));
    for file in ["docker-compose.vcare.yml", "env.example", "prosody/conf.d/vcare.cfg.lua"] {
        let text = fs::read_to_string(deploy().join(file)).unwrap();
        assert!(!text.contains("access_log") && !text.contains("nginx-custom"), "{file}");
        assert!(!text.contains("breakout.") && !text.contains("muc_size"), "{file}");
    }
    assert!(!deploy().join("web").exists(), "the web server's own configuration stands");
}

#[test]
fn the_overlay_names_files_and_variables_that_there_are_and_publishes_no_port() {
    let overlay = fs::read_to_string(deploy().join("docker-compose.vcare.yml")).unwrap();
    let lines: Vec<&str> = overlay.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    assert!(lines.iter().all(|line| !line.contains('\t') && !line.contains("ports:")), "{overlay}");
    for line in lines.iter().filter_map(|line| line.trim().strip_prefix("- ${VCARE_JITSI_DIR:?}/")) {
        let (file, _) = line.split_once(':').unwrap();
        assert!(deploy().join(file).is_file(), "{file}");
    }
    let example = fs::read_to_string(deploy().join("env.example")).unwrap();
    let settings = example.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let settings: BTreeSet<&str> = settings.map(|(name, _)| name).collect();
    let passed =
        lines.iter().filter_map(|line| line.trim().strip_prefix("- ")).filter(|item| item.starts_with("VCARE_"));
    for name in passed.chain(["VCARE_JITSI_DIR", "VCARE_SECRETS_DIR"]) {
        assert!(settings.contains(name), "{name} is not in env.example");
    }
    let readme = fs::read_to_string(deploy().join("README.md")).unwrap();
    for name in settings {
        assert!(readme.contains(name), "README.md says nothing of {name}");
    }
}
