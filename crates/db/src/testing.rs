//! Fresh databases for tests: a SQLite file, and a database of a PostgreSQL server that the test
//! process starts for itself and that ends with it.
//!
//! PostgreSQL is Debian's. A machine without it fails the test and says what to install.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use crate::{Db, MigrationSet};

/// A database that nobody else uses. Keep it as long as the test runs.
pub struct TestDb {
    pub db: Db,
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

/// One of each engine, with the tables of `sets`.
///
/// # Panics
/// When PostgreSQL is not installed or does not start.
pub async fn databases(sets: &[MigrationSet]) -> Vec<TestDb> {
    let databases = vec![sqlite().await, postgres().await];
    for database in &databases {
        database.db.migrate(sets).await.expect("the migrations run");
    }
    databases
}

/// # Panics
/// When there is no room for a temporary file.
pub async fn sqlite() -> TestDb {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let url = format!("sqlite://{}", folder.path().join("test.db").display());
    let db = Db::open(&url).await.expect("SQLite opens");
    TestDb { db, url, _folder: Some(folder) }
}

/// # Panics
/// When PostgreSQL is not installed or does not start.
pub async fn postgres() -> TestDb {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = tokio::task::spawn_blocking(PostgresServer::shared).await.expect("PostgreSQL starts");
    let name = format!("test_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let admin = Db::open(&server.url("postgres")).await.expect("PostgreSQL answers");
    admin.query_dynamic(format!("CREATE DATABASE {name}")).execute().await.expect("a database is made");
    admin.close().await;
    let url = server.url(&name);
    let db = Db::open(&url).await.expect("the new database opens");
    TestDb { db, url, _folder: None }
}

/// The files of a block and its list of migrations say the same, on both engines.
///
/// # Panics
/// When a file is not listed, or exists for one engine only.
pub fn check_migrations(manifest_dir: &str, set: &MigrationSet) {
    for (engine, migrations) in [("sqlite", set.sqlite), ("postgres", set.postgres)] {
        let folder = Path::new(manifest_dir).join("migrations").join(engine);
        let mut files: Vec<String> = std::fs::read_dir(&folder)
            .expect("the folder of migrations")
            .map(|entry| entry.expect("its entries").file_name().to_string_lossy().into_owned())
            .collect();
        files.sort();
        let listed: Vec<String> =
            migrations.iter().map(|migration| format!("{}.sql", migration.name)).collect();
        assert_eq!(files, listed, "{engine} migrations of {}", set.block);
    }
}

/// A PostgreSQL server on a socket in a folder of its own.
pub struct PostgresServer {
    folder: PathBuf,
    /// Closing its standard input tells the guard to stop the server.
    _guard: Child,
}

impl PostgresServer {
    /// The one server of this process, started at the first call.
    pub fn shared() -> &'static Self {
        static SERVER: OnceLock<PostgresServer> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    /// # Panics
    /// When it is not installed or does not answer within half a minute.
    #[must_use]
    pub fn start() -> Self {
        let bin = installed().expect("PostgreSQL is needed for this test: apt-get install postgresql");
        let folder =
            tempfile::Builder::new().prefix("sori-pg-").tempdir().expect("a temporary folder").keep();
        let mut guard = Command::new("bash")
            .args(["-c", GUARD, "guard"])
            .arg(&bin)
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("bash starts");
        let deadline = Instant::now() + Duration::from_secs(30);
        while !folder.join(".s.PGSQL.5432").exists() || !is_ready(&bin, &folder) {
            if let Ok(Some(status)) = guard.try_wait() {
                let mut text = String::new();
                let _ = guard.stderr.take().map(|mut stderr| stderr.read_to_string(&mut text));
                panic!("PostgreSQL did not start ({status}): {text}");
            }
            assert!(Instant::now() < deadline, "PostgreSQL did not answer within 30 s");
            std::thread::sleep(Duration::from_millis(50));
        }
        Self { folder, _guard: guard }
    }

    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://sori@localhost/{database}?host={}", self.folder.display())
    }
}

/// PostgreSQL refuses to run as root, so root hands it to Debian's `postgres` user. The shell waits
/// for the end of its standard input, which comes however the test process ends.
const GUARD: &str = r#"
set -eu
bin=$1 folder=$2
as() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
if [ "$(id -u)" = 0 ]; then chown postgres:postgres "$folder"; fi
cd "$folder"
as "$bin/initdb" -D "$folder/data" -U sori -A trust --no-sync -E UTF8 --locale=C.UTF-8 >/dev/null
as "$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off -c full_page_writes=off \
    -c max_connections=200 -c shared_buffers=32MB </dev/null >"$folder/log" 2>&1 &
server=$!
cat >/dev/null || true
kill -QUIT "$(head -n 1 "$folder/data/postmaster.pid")" 2>/dev/null || true
wait "$server" 2>/dev/null || true
rm -rf "$folder"
"#;

fn installed() -> Option<PathBuf> {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    versions.sort();
    versions.into_iter().rfind(|bin| bin.join("initdb").is_file())
}

fn is_ready(bin: &Path, folder: &Path) -> bool {
    Command::new(bin.join("pg_isready"))
        .arg("-q")
        .arg("-h")
        .arg(folder)
        .args(["-U", "sori", "-d", "postgres"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
