//! A finished rendering gives a script's lines and words their times; a removed one takes itself off.

use async_trait::async_trait;
use sori_catalog::{Catalog, RenderedLine, RenderedWord};
use sori_contracts::{Fault, RenderingId, ScriptId};
use sori_voice::{RenderingListener, ScriptRendered};

pub struct KeepCatalogInStep(pub Catalog);

#[async_trait]
impl RenderingListener for KeepCatalogInStep {
    async fn rendered(&self, event: &ScriptRendered<'_>) -> Result<(), Box<dyn Fault>> {
        let lines: Vec<_> = event
            .line_ids
            .iter()
            .zip(&event.transcript.lines)
            .map(|(&line_id, line)| RenderedLine {
                line_id,
                start_ms: line.start_ms,
                end_ms: line.end_ms,
                words: line
                    .words
                    .iter()
                    .map(|word| RenderedWord {
                        text: word.text.clone(),
                        start_ms: word.start_ms,
                        end_ms: word.end_ms,
                    })
                    .collect(),
            })
            .collect();
        self.0
            .attach_rendering(
                event.script_id,
                event.revision,
                event.rendering_id,
                event.transcript.duration_ms,
                &lines,
            )
            .await
            .map_err(|fault| Box::new(fault) as Box<dyn Fault>)
    }

    async fn removed(&self, script: ScriptId, rendering: RenderingId) -> Result<(), Box<dyn Fault>> {
        self.0.detach_rendering(script, rendering).await.map_err(|fault| Box::new(fault) as Box<dyn Fault>)
    }
}
