//! `log` records and panics go to the worker's console. A panic then traps: the page sees the worker fail.

use log::{LevelFilter, Log, Metadata, Record};
use wasm_bindgen::prelude::*;
use web_sys::console;

struct Console;

impl Log for Console {
    fn enabled(&self, _: &Metadata) -> bool {
        true
    }

    fn log(&self, record: &Record) {
        let line = JsValue::from(record.args().to_string());
        let name = JsValue::from("[sailcast]");
        match record.level() {
            log::Level::Error => console::error_2(&name, &line),
            log::Level::Warn => console::warn_2(&name, &line),
            log::Level::Info => console::info_2(&name, &line),
            log::Level::Debug | log::Level::Trace => console::debug_2(&name, &line),
        }
    }

    fn flush(&self) {}
}

/// Runs once, when the module is instantiated.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|info| console::error_1(&info.to_string().into())));
    // A logger already set is this one: the module was started twice.
    if log::set_logger(&Console).is_ok() {
        log::set_max_level(LevelFilter::Warn);
    }
}
