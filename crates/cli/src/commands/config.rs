//! `sori config`: the settings as they are in effect here, with secrets hidden.

use clap::Args;

use super::{print_json, write_output};
use crate::{failure::Failure, place::Data};

#[derive(Args)]
pub(crate) struct ShowConfig {
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: Data,
}

impl ShowConfig {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut shown = self.data.config()?.shown();
        if self.json {
            return print_json(&shown);
        }
        // TOML has no word for nothing: what is left out is not set.
        without_nulls(&mut shown);
        let text = toml::to_string(&shown).map_err(|error| Failure::Other(error.to_string()))?;
        write_output("-".as_ref(), text.as_bytes())
    }
}

fn without_nulls(value: &mut serde_json::Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
        fields.values_mut().for_each(without_nulls);
    }
}
