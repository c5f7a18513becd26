//! `sori openapi`: the document of a server that lives for a moment in a temporary folder.

use sori_server::{App, Config};

use super::print_json;
use crate::failure::Failure;

pub(crate) fn run() -> Result<(), Failure> {
    let folder = tempfile::tempdir().map_err(|error| Failure::Other(error.to_string()))?;
    let config = Config { data_dir: folder.path().to_owned(), ..Config::default() };
    let runtime = tokio::runtime::Runtime::new().map_err(|error| Failure::Other(error.to_string()))?;
    let document = runtime.block_on(async {
        let app = App::start(&config).await.map_err(|error| Failure::Other(error.to_string()))?;
        app.jobs.stop().await;
        Ok::<_, Failure>(app.document)
    })?;
    print_json(&document)
}
