//! Private servers that speak like AWS KMS: two, written by different people, so that what both agree on is the protocol
//! and not one's opinion of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::folder::Folder;
use crate::machine::variable;
use crate::process::{Process, command, free_port};

/// The slower one needs a second or two alone, and more beside a build.
const PATIENCE: Duration = Duration::from_secs(60);
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// Whose server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KmsKind {
    /// ministack: small, and quick to start.
    Ministack,
    /// LocalStack: a second opinion.
    LocalStack,
}

/// What a key can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KmsKey {
    /// Seals and opens.
    Sealing,
    /// Derives.
    Mac,
}

/// A KMS server of one's own, on this machine only, gone when it is dropped; its keys are in its memory. `deploy/local/test`
/// installs both kinds, and says where in `VCARE_TEST_KMS`.
#[derive(Debug)]
pub struct KmsServer {
    // Before the folder: it must have ended when its folder goes.
    process: Option<Process>,
    folder: Folder,
    kind: KmsKind,
    port: u16,
}

impl KmsServer {
    /// Starts one, and waits until it answers.
    ///
    /// # Errors
    /// When it is not installed or does not start.
    pub async fn start(kind: KmsKind) -> Result<Self> {
        let mut server = Self { process: None, folder: Folder::open(None, "kms")?, kind, port: 0 };
        let mut attempts = 3;
        loop {
            // These programs cannot be told to pick a port; another process may take it first.
            server.port = free_port()?;
            match server.run().await {
                Err(_) if attempts > 1 => attempts -= 1,
                outcome => return outcome.map(|()| server),
            }
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Makes a key and answers its ARN.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create_key(&self, region: &str, key: KmsKey) -> Result<String> {
        let wanted = match key {
            KmsKey::Sealing => json!({"KeySpec": "SYMMETRIC_DEFAULT", "KeyUsage": "ENCRYPT_DECRYPT"}),
            KmsKey::Mac => json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}),
        };
        let made = self.call(region, "CreateKey", &wanted).await?;
        made["KeyMetadata"]["Arn"].as_str().map(ToOwned::to_owned).context("no ARN")
    }

    /// Switches a key off.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn disable_key(&self, region: &str, key: &str) -> Result<()> {
        self.call(region, "DisableKey", &json!({ "KeyId": key })).await.map(drop)
    }

    /// Sends it a signal. With `-STOP` it holds its breath, with `-CONT` it breathes again.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, signal: &str) -> Result<()> {
        self.process.as_ref().context("it does not run")?.signal(signal)
    }

    /// Kills it, as a crash does; its keys are lost.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    async fn run(&mut self) -> Result<()> {
        let log = self.folder.log("kms.log")?;
        let mut process = Process::spawn(self.program()?, log.file()?)?;
        let deadline = Instant::now() + PATIENCE;
        while self.call("eu-central-1", "ListKeys", &json!({})).await.is_err() {
            if process.has_ended() || Instant::now() >= deadline {
                process.kill();
                bail!("{:?} did not start: {}", self.kind, log.tail().trim());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.process = Some(process);
        Ok(())
    }

    fn program(&self) -> Result<Command> {
        let home = variable("VCARE_TEST_KMS")
            .map(PathBuf::from)
            .context("VCARE_TEST_KMS is not set: run deploy/local/test")?;
        let (name, program, arguments): (_, _, &[&str]) = match self.kind {
            KmsKind::Ministack => ("ministack", "ministack", &[]),
            KmsKind::LocalStack => ("localstack", "python", &["-m", "localstack.runtime.main"]),
        };
        let program = home.join(name).join("bin").join(program);
        ensure!(program.is_file(), "{} is not there", program.display());
        let mut command = command(&program, "TERM", None);
        command.args(arguments).env_clear().current_dir(self.folder.path());
        command.envs([
            ("PATH", Path::new("/usr/bin:/bin")),
            ("HOME", self.folder.path()),
            ("TMPDIR", self.folder.path()),
        ]);
        // Nothing but KMS; nothing but loopback: without these, both open further ports to everybody.
        let port = self.port.to_string();
        command.env("SERVICES", "kms");
        match self.kind {
            KmsKind::Ministack => {
                // It plays S3 for the tests of attachments, too.
                command.env("SERVICES", "kms,s3");
                command.envs([("GATEWAY_PORT", port.as_str()), ("BIND_HOST", "127.0.0.1")]);
                command.envs([("IOT_MTLS_ENABLED", "false"), ("SFTP_ENABLED", "false")]);
            }
            KmsKind::LocalStack => {
                // Its usual server passes over the address that it is told to listen at.
                command.env("GATEWAY_SERVER", "hypercorn").env("GATEWAY_LISTEN", format!("127.0.0.1:{port}"));
                command.envs([("DISABLE_EVENTS", "1"), ("SKIP_SSL_CERT_DOWNLOAD", "1"), ("DNS_ADDRESS", "0")]);
                // Its files go here wherever it thinks it is.
                command.env("OVERRIDE_IN_DOCKER", "false").env("FILESYSTEM_ROOT", self.folder.join("files"));
            }
        }
        Ok(command)
    }

    /// One call, as plain as can be: the servers check no signature, and read the region out of it.
    async fn call(&self, region: &str, operation: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        let request = format!(
            "POST / HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\n\
             X-Amz-Target: TrentService.{operation}\r\nContent-Length: {}\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=test/20260101/{region}/kms/aws4_request, SignedHeaders=host, \
             Signature=0\r\n\r\n{body}",
            body.len()
        );
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(head.split(' ').nth(1) == Some("200"), "{operation}: {body}");
        if body.trim().is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(body)?) }
    }
}

impl Drop for KmsServer {
    fn drop(&mut self) {
        if let Some(process) = self.process.take() {
            process.end("-TERM", STOP_PATIENCE);
        }
    }
}
