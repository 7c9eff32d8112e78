//! Generated bindings, one module per world; the worlds share the types of the first.
#![allow(missing_docs, clippy::all, clippy::pedantic, reason = "generated code")]

pub mod source_world {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "source-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "tidegate:plugin/files.file": crate::egress::files::OpenFile,
            "tidegate:plugin/http.response": crate::egress::http::Response,
            "tidegate:plugin/keys.seen": tidegate_keys::Seen,
            "tidegate:plugin/keys.census": crate::plugin::keys::SharedCensus,
        },
    });
}

pub mod transform_world {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "transform-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "tidegate:plugin/types": crate::plugin::bindings::source_world::tidegate::plugin::types,
            "tidegate:plugin/log": crate::plugin::bindings::source_world::tidegate::plugin::log,
            "tidegate:plugin/keys": crate::plugin::bindings::source_world::tidegate::plugin::keys,
        },
    });
}

pub mod quality_world {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "quality-plugin",
        imports: { default: async | trappable },
        exports: { default: async },
        with: {
            "tidegate:plugin/types": crate::plugin::bindings::source_world::tidegate::plugin::types,
            "tidegate:plugin/log": crate::plugin::bindings::source_world::tidegate::plugin::log,
            "tidegate:plugin/keys": crate::plugin::bindings::source_world::tidegate::plugin::keys,
        },
    });
}

pub use source_world::tidegate::plugin::{files, http, keys, log, types};
