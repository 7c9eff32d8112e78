//! Generated bindings, one module per world. `types_world` holds what the worlds share, so that types convert once.
#![allow(missing_docs, clippy::all, reason = "generated code")]

/// The shared interfaces: types, log, files, keys.
pub mod types_world {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package tidegate:sdk;
            world shared {
                import tidegate:plugin/types@0.1.1;
                import tidegate:plugin/log@0.1.1;
                import tidegate:plugin/files@0.1.1;
                import tidegate:plugin/keys@0.1.1;
            }
        ",
        world: "tidegate:sdk/shared",
        generate_all,
    });
}

/// The bindings of the world `source-plugin`.
pub mod source_world {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "source-plugin",
        with: {
            "tidegate:plugin/types@0.1.1": crate::bindings::types_world::tidegate::plugin::types,
            "tidegate:plugin/log@0.1.1": crate::bindings::types_world::tidegate::plugin::log,
            "tidegate:plugin/keys@0.1.1": crate::bindings::types_world::tidegate::plugin::keys,
            "tidegate:plugin/files@0.1.1": crate::bindings::types_world::tidegate::plugin::files,
        },
        generate_all,
        pub_export_macro: true,
        export_macro_name: "export_source_world",
        default_bindings_module: "tidegate_sdk::glue::source_world",
    });
}

/// The bindings of the world `transform-plugin`.
pub mod transform_world {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "transform-plugin",
        with: {
            "tidegate:plugin/types@0.1.1": crate::bindings::types_world::tidegate::plugin::types,
            "tidegate:plugin/log@0.1.1": crate::bindings::types_world::tidegate::plugin::log,
            "tidegate:plugin/keys@0.1.1": crate::bindings::types_world::tidegate::plugin::keys,
        },
        pub_export_macro: true,
        export_macro_name: "export_transform_world",
        default_bindings_module: "tidegate_sdk::glue::transform_world",
    });
}

/// The bindings of the world `quality-plugin`.
pub mod quality_world {
    wit_bindgen::generate!({
        path: "../../wit",
        world: "quality-plugin",
        with: {
            "tidegate:plugin/types@0.1.1": crate::bindings::types_world::tidegate::plugin::types,
            "tidegate:plugin/log@0.1.1": crate::bindings::types_world::tidegate::plugin::log,
            "tidegate:plugin/keys@0.1.1": crate::bindings::types_world::tidegate::plugin::keys,
        },
        pub_export_macro: true,
        export_macro_name: "export_quality_world",
        default_bindings_module: "tidegate_sdk::glue::quality_world",
    });
}
