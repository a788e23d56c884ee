//! A database for one test.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row};
use url::Url;
use vcare_adapters_postgres::PgConfig;

use super::PrivatePostgres;
use crate::machine::{new_id, variable};

/// The login of the service: a member of `vcare_api` and `vcare_system` that has no right of its own, and cannot pass by
/// row-level security.
pub const SERVICE_ROLE: &str = "vcare_service";

/// Held while the template is made, so that two makers do not meet. A number of our own.
const TEMPLATE_LOCK: i64 = 0x7663_6172_6502;

const PATIENCE: Duration = Duration::from_secs(60);

/// A fresh, migrated database for one test, dropped with this value.
///
/// It is made in the cluster that `VCARE_TEST_POSTGRES` names (the address of a superuser), else in a private one that
/// all tests of the process share. A named one is best run with `fsync=off`: making and dropping a
/// database writes a thousand files.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    admin: Url,
    service: Url,
    client: OnceCell<Client>,
}

impl TestDatabase {
    /// Makes one.
    ///
    /// # Errors
    /// When there is no cluster and none can be started, or the migrations fail.
    pub async fn create() -> Result<Self> {
        Self::copy_from(Cluster::shared().await?).await
    }

    /// Makes one in a cluster of the test's own.
    ///
    /// # Errors
    /// When the migrations fail.
    pub async fn create_in(cluster: &PrivatePostgres) -> Result<Self> {
        Self::copy_from(&Cluster::at(&cluster.url("postgres"), None).await?).await
    }

    async fn copy_from(cluster: &Cluster) -> Result<Self> {
        let name = format!("vcare_test_{}", new_id().simple());
        cluster.copy_template(&name).await?;
        let admin = at(&cluster.maintenance, &name);
        let mut service = admin.clone();
        let _ = service.set_username(SERVICE_ROLE);
        let _ = service.set_password(Some(SERVICE_ROLE));
        Ok(Self { name, admin, service, client: OnceCell::new() })
    }

    /// Its address for the service: the login [`SERVICE_ROLE`].
    #[must_use]
    pub fn url(&self) -> String {
        self.service.to_string()
    }

    /// Its address for who owns it and sees all of it.
    #[must_use]
    pub fn admin_url(&self) -> String {
        self.admin.to_string()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs a statement as owner and answers how many rows it touched.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub async fn execute(&self, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<u64> {
        Ok(self.client().await?.execute(statement, values).await?)
    }

    /// All that is in it, as `pg_dump` writes it: bytes in hexadecimal.
    ///
    /// # Errors
    /// When there is no `pg_dump` beside the cluster's programs, or it fails.
    pub async fn dump(&self) -> Result<String> {
        let program = super::programs::folder()?.join("pg_dump");
        let mut command = tokio::process::Command::new(&program);
        let dumped = command.args(["--no-sync", "--dbname", &self.admin_url()]).output().await;
        let dumped = dumped.with_context(|| program.display().to_string())?;
        ensure!(dumped.status.success(), "pg_dump: {}", String::from_utf8_lossy(&dumped.stderr));
        Ok(String::from_utf8(dumped.stdout)?)
    }

    /// The rows that the owner sees.
    ///
    /// # Errors
    /// What PostgreSQL says.
    pub async fn rows(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>> {
        Ok(self.client().await?.query(query, values).await?)
    }

    /// The one row that the owner sees.
    ///
    /// # Errors
    /// What PostgreSQL says, and when it is not one row.
    pub async fn query_one(&self, query: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Row> {
        Ok(self.client().await?.query_one(query, values).await?)
    }

    /// Waits until a query of one boolean, asked as the owner, answers true.
    ///
    /// # Errors
    /// What PostgreSQL says, and when it is not true within `patience`.
    pub async fn until(&self, query: &str, patience: Duration) -> Result<()> {
        let client = self.client().await?;
        let deadline = Instant::now() + patience;
        while client.query_one(query, &[]).await?.get::<_, Option<bool>>(0) != Some(true) {
            ensure!(Instant::now() < deadline, "in vain: {query}");
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// A connection of the owner's.
    ///
    /// # Errors
    /// When the cluster cannot be reached.
    pub async fn client(&self) -> Result<&Client> {
        self.client.get_or_try_init(|| connect(&self.admin)).await
    }
}

impl Drop for TestDatabase {
    /// On a thread of its own: the test's runtime may be on its way out.
    fn drop(&mut self) {
        let (admin, name) = (at(&self.admin, "postgres"), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                let drop = async {
                    let client = connect(&admin).await.ok()?;
                    client.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.ok()
                };
                tokio::time::timeout(Duration::from_secs(10), drop).await.ok()?
            })
        });
        let _ = dropping.join();
    }
}

/// Where test databases are made.
struct Cluster {
    /// The superuser's database `postgres`.
    maintenance: Url,
    template: String,
    _own: Option<PrivatePostgres>,
}

impl Cluster {
    async fn shared() -> Result<&'static Self> {
        static SHARED: OnceCell<Cluster> = OnceCell::const_new();
        SHARED.get_or_try_init(Self::open).await
    }

    async fn open() -> Result<Self> {
        let (address, own) = match variable("VCARE_TEST_POSTGRES") {
            Some(address) => (address.to_string_lossy().into_owned(), None),
            None => {
                let own = PrivatePostgres::start().await?;
                (own.url("postgres"), Some(own))
            }
        };
        Self::at(&address, own).await
    }

    async fn at(address: &str, own: Option<PrivatePostgres>) -> Result<Self> {
        let maintenance = at(&Url::parse(address).context("VCARE_TEST_POSTGRES")?, "postgres");
        let cluster =
            Self { maintenance, template: concat!("vcare_template_", env!("VCARE_MIGRATIONS")).into(), _own: own };
        cluster.make_template().await?;
        Ok(cluster)
    }

    /// Makes the template, unless this or another process has: it gets its name when it is complete.
    async fn make_template(&self) -> Result<()> {
        let client = connect(&self.maintenance).await?;
        // Released with the connection.
        client.execute("SELECT pg_advisory_lock($1)", &[&TEMPLATE_LOCK]).await?;
        let template = &self.template;
        if client.query_opt("SELECT FROM pg_database WHERE datname = $1", &[template]).await?.is_some() {
            return Ok(());
        }
        let draft = format!("{template}_draft");
        client.batch_execute(&format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await?;
        client.batch_execute(&format!("CREATE DATABASE {draft}")).await?;
        vcare_adapters_postgres::migrate(&PgConfig::new(at(&self.maintenance, &draft))).await.context("migrations")?;
        // NOINHERIT: who forgot to take a role has no right at all.
        let role = format!(
            "DO $$ BEGIN CREATE ROLE {SERVICE_ROLE} LOGIN NOINHERIT PASSWORD '{SERVICE_ROLE}';
             EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
             GRANT vcare_api, vcare_system, vcare_eraser TO {SERVICE_ROLE};"
        );
        client.batch_execute(&role).await?;
        client.batch_execute(&format!("ALTER DATABASE {draft} RENAME TO {template}")).await?;
        Ok(())
    }

    async fn copy_template(&self, name: &str) -> Result<()> {
        let client = connect(&self.maintenance).await?;
        let copy = format!("CREATE DATABASE {name} TEMPLATE {}", self.template);
        let deadline = Instant::now() + PATIENCE;
        loop {
            match client.batch_execute(&copy).await {
                // Somebody is connected to the template: autovacuum, say.
                Err(error) if error.code() == Some(&SqlState::OBJECT_IN_USE) && Instant::now() < deadline => {
                    sleep(Duration::from_millis(20)).await;
                }
                outcome => return outcome.context("the template cannot be copied"),
            }
        }
    }
}

fn at(cluster: &Url, database: &str) -> Url {
    let mut url = cluster.clone();
    url.set_path(database);
    url
}

async fn connect(url: &Url) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url.as_str(), NoTls).await.context("PostgreSQL")?;
    tokio::spawn(async move {
        // Ends with the client, or with the server; the client then says so.
        let _ = connection.await;
    });
    Ok(client)
}
