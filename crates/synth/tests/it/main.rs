//! The voices with their real models. Where the models are not installed a test says so and passes, unless
//! `SORI_REQUIRE_ASSETS=1`; `make test` fetches them first and sets it.

mod assets;
mod hibari;
mod kokoro;
mod oov;
mod phrases;
