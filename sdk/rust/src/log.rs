//! Messages to the run's log. The host adds the plugin's name and version, cuts messages at 4 KiB and stops an instance that floods
//! the log. Natively they go to stderr.

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the plugin's author.
    Debug,
    /// For a person who watches a run.
    Info,
    /// Something a person should look at; the run goes on.
    Warn,
    /// Something is wrong.
    Error,
}

/// Writes a message for the plugin's author.
pub fn debug(message: impl AsRef<str>) {
    write(Level::Debug, message.as_ref());
}

/// Writes a message for a person who watches a run.
pub fn info(message: impl AsRef<str>) {
    write(Level::Info, message.as_ref());
}

/// Writes a message that a person should look at.
pub fn warn(message: impl AsRef<str>) {
    write(Level::Warn, message.as_ref());
}

/// Writes a message that says what is wrong.
pub fn error(message: impl AsRef<str>) {
    write(Level::Error, message.as_ref());
}

#[cfg(target_family = "wasm")]
fn write(level: Level, message: &str) {
    use crate::bindings::types_world::tidegate::plugin::log as host;
    let level = match level {
        Level::Debug => host::Level::Debug,
        Level::Info => host::Level::Info,
        Level::Warn => host::Level::Warn,
        Level::Error => host::Level::Error,
    };
    host::write(level, message);
}

#[cfg(not(target_family = "wasm"))]
fn write(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}

/// Makes panics reach the host: `panic = "abort"` on wasm32-unknown-unknown is silent otherwise.
#[cfg(target_family = "wasm")]
pub(crate) fn install_panic_hook() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|info| {
            let said = info.payload_as_str().unwrap_or("no message");
            let place = info.location().map(|place| format!(" (at {place})")).unwrap_or_default();
            crate::bindings::types_world::tidegate::plugin::log::panicked(&format!("{said}{place}"));
        }));
    });
}

#[cfg(not(target_family = "wasm"))]
pub(crate) fn install_panic_hook() {}
