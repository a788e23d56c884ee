//! What the pages tell somebody to type, typed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use vcare_domain::{TenantId, UserId};
use vcare_testkit::documents::page;

/// A folder of a test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Answers what a shell printed that was fed with this.
fn typed(script: &str, folder: &Path) -> String {
    let output = Command::new("bash").args(["-euo", "pipefail", "-c", script]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{script}\n{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The block of that page that begins like that.
fn block(path: &str, begin: &str) -> String {
    let blocks = page(path).unwrap().blocks("sh");
    let found = blocks.into_iter().find(|(_, block)| block.starts_with(begin));
    found.unwrap_or_else(|| panic!("{path} has no block that begins with {begin:?}")).1
}

#[test]
fn the_documented_hash_of_an_account_is_that_of_the_logs() {
    let printed = typed(&block("docs/observability.md", "printf"), &folder("hash"));
    let (tenant, user) = (TenantId::parse("hosp-kabul").unwrap(), UserId::parse("dr-amin.hosp-kabul").unwrap());
    assert_eq!(printed.trim(), vcare_boot::actor_id_hash(&tenant, &user));
}

#[test]
fn the_documented_key_file_is_one() {
    let folder = folder("key");
    typed(&block("docs/deployment.md", "(umask"), &folder);
    let file = folder.join("master.key");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&file).unwrap();
    let text = text.trim_end_matches('\n');
    assert!(text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit()), "{} bytes", text.len());
}

/// The sandbox, as `deploy/local/demo` starts it; stopped when it goes.
struct Sandbox(Child);

impl Drop for Sandbox {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Waits until the sandbox says where it is.
async fn up(folder: &Path) -> Sandbox {
    let program = env!("CARGO_BIN_EXE_vcare-sandbox");
    let log = fs::File::create(folder.join("sandbox.log")).unwrap();
    let mut sandbox = Command::new(program);
    sandbox.arg("up").current_dir(folder).stdin(Stdio::null()).stderr(log.try_clone().unwrap()).stdout(log);
    let mut sandbox = Sandbox(sandbox.spawn().unwrap());
    let said = || fs::read_to_string(folder.join("sandbox.log")).unwrap();
    for _ in 0..1200 {
        if said().contains("The service is up.") {
            return sandbox;
        }
        assert!(sandbox.0.try_wait().unwrap().is_none(), "{}", said());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the sandbox is not up after two minutes: {}", said());
}

/// A newcomer types the blocks of "A first request" one after the other, in the folder in which the demo is up.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_readme_tells_to_type_works() {
    let folder = folder("readme");
    let programs = Path::new(env!("CARGO_BIN_EXE_vcare-sandbox")).parent().unwrap();
    fs::create_dir(folder.join("target")).unwrap();
    symlink(programs, folder.join("target/debug")).unwrap();
    let _sandbox = up(&folder).await;
    let (first, refused) = (block("README.md", "API="), block("README.md", "curl -s"));
    let (variables, create) = first.split_once("\n\n").unwrap();
    let printed = typed(&format!("{first}\necho\n{create}"), &folder);
    let (created, again) = printed.trim().split_once('\n').unwrap();
    assert_eq!(created, again);
    let answer: serde_json::Value = serde_json::from_str(created).unwrap();
    assert_eq!((&answer["status"], &answer["version"]), (&"scheduled".into(), &1.into()), "{answer}");
    let refusal: serde_json::Value = serde_json::from_str(&typed(&format!("{variables}\n{refused}"), &folder)).unwrap();
    assert_eq!(
        (&refusal["code"], &refusal["gate"]),
        (&"CONSENT_REQUIRED".into(), &"telehealth_consent".into()),
        "{refusal}"
    );
    let looked = typed(&format!("{variables}\n{}", block("README.md", "SESSION=")), &folder);
    let looked = serde_json::Deserializer::from_str(&looked).into_iter::<serde_json::Value>();
    let looked: Vec<_> = looked.map(Result::unwrap).collect();
    let [hidden, shown] = &looked[..] else { panic!("{looked:?}") };
    assert_eq!((&hidden["code"], &shown["audience"]), (&"SESSION_NOT_FOUND".into(), &"staff".into()), "{looked:?}");
    let token = typed(&block("README.md", "VCARE_CONFIG_FILE="), &folder);
    assert_eq!(token.trim().split('.').count(), 3, "no token: {token}");
}

/// An operator looks at a sandbox, with the settings that lie there.
#[test]
fn a_doctor_finds_no_problem_in_a_new_sandbox() {
    let sandbox = Path::new(env!("CARGO_BIN_EXE_vcare-sandbox"));
    let doctor = sandbox.with_file_name("vcare-admin");
    // The variable is for programs that know the sandbox; to the service it would be a setting.
    let look =
        r#"env -u VCARE_SANDBOX VCARE_CONFIG_FILE="$(dirname "$VCARE_SANDBOX")/vcare.toml" "$0" doctor --output json"#;
    let output = Command::new(sandbox).args(["with", "bash", "-c", look]).arg(doctor).output().unwrap();
    let found: Vec<serde_json::Value> = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let problems: Vec<_> = found.iter().filter(|finding| finding["status"] == "problem").collect();
    assert!(problems.is_empty() && output.status.success(), "{problems:#?} {output:?}");
    for tenant in ["hosp-kabul", "hosp-herat"] {
        let video = format!("video of {tenant}");
        assert!(found.iter().any(|finding| finding["check"] == *video && finding["status"] == "ok"), "{found:#?}");
    }
}
