//! What the export macros expand to. Not for authors.

use std::{cell::RefCell, marker::PhantomData, time::Duration};

use crate::{
    Context, Dimension, Distribution, Failure, FailureKind, GrantKind, Quality, Reader, Result, Source, Transform, WriteMode, ipc,
};

pub use crate::bindings::{
    quality_world, quality_world::export_quality_world, source_world, source_world::export_source_world, transform_world,
    transform_world::export_transform_world, types_world::tidegate::plugin::types as wit,
};

/// Turns a type that implements [`Source`] into a component.
#[macro_export]
macro_rules! export_source {
    ($plugin:ty) => {
        $crate::__export!($plugin, SourceGlue, export_source_world, source_world);
    };
}

/// Turns a type that implements [`Transform`] into a component.
#[macro_export]
macro_rules! export_transform {
    ($plugin:ty) => {
        $crate::__export!($plugin, TransformGlue, export_transform_world, transform_world);
    };
}

/// Turns a type that implements [`Quality`] into a component.
#[macro_export]
macro_rules! export_quality {
    ($plugin:ty) => {
        $crate::__export!($plugin, QualityGlue, export_quality_world, quality_world);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($plugin:ty, $glue:ident, $export:ident, $world:ident) => {
        // Natively nothing calls the plugin but its tests; this keeps the compiler from calling it dead.
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = $crate::glue::$glue::<$plugin, ()>::used;
        #[cfg(target_family = "wasm")]
        const _: () = {
            struct Identity;
            impl $crate::glue::Identity for Identity {
                const NAME: &'static str = env!("CARGO_PKG_NAME");
                const VERSION: &'static str = env!("CARGO_PKG_VERSION");
                const LICENCE: &'static str = env!("CARGO_PKG_LICENSE");
                const SUMMARY: &'static str = env!("CARGO_PKG_DESCRIPTION");
            }
            type Component = $crate::glue::$glue<$plugin, Identity>;
    $crate::glue::$export!(Component with_types_in $crate::glue::$world);
        };
    };
}

/// Who a plugin is, from its `Cargo.toml`.
pub trait Identity: 'static {
    /// `package.name`
    const NAME: &'static str;
    /// `package.version`
    const VERSION: &'static str;
    /// `package.license`
    const LICENCE: &'static str;
    /// `package.description`
    const SUMMARY: &'static str;
}

/// Carries a [`Source`] over the line.
pub struct SourceGlue<T, I>(PhantomData<(T, I)>);
/// Carries a [`Transform`] over the line.
pub struct TransformGlue<T, I>(PhantomData<(T, I)>);
/// Carries a [`Quality`] over the line.
pub struct QualityGlue<T, I>(PhantomData<(T, I)>);
/// An exported resource.
pub struct Cell<T>(RefCell<T>);

impl<T: Source, I> SourceGlue<T, I> {
    /// Names what a component would call.
    pub fn used() {
        let _ = (T::open, T::discover);
    }
}

impl<T: Transform, I> TransformGlue<T, I> {
    /// Names what a component would call.
    pub fn used() {
        let _ = (T::open, T::push);
    }
}

impl<T: Quality, I> QualityGlue<T, I> {
    /// Names what a component would call.
    pub fn used() {
        let _ = (T::open, T::observe);
    }
}

fn manifest<I: Identity, C: schemars::JsonSchema>(grants: Vec<crate::Grant>) -> wit::Manifest {
    crate::log::install_panic_hook();
    wit::Manifest {
        name: I::NAME.to_owned(),
        version: I::VERSION.to_owned(),
        licence: I::LICENCE.to_owned(),
        summary: I::SUMMARY.to_owned(),
        config_schema: serde_json::to_string(&schemars::schema_for!(C)).unwrap_or_default(),
        grants: grants.into_iter().map(grant).collect(),
    }
}

fn grant(grant: crate::Grant) -> wit::GrantRequest {
    let kind = match grant.kind {
        GrantKind::Files => wit::GrantKind::Files,
        GrantKind::Http => wit::GrantKind::Http,
        GrantKind::Database => wit::GrantKind::Database,
    };
    wit::GrantRequest { kind, name: grant.name, purpose: grant.purpose }
}

mod source {
    use super::*;
    use crate::bindings::source_world::exports::tidegate::plugin::source as wit_source;
    use wit_source::{Guest, GuestReader, Pulled, Request, Slice, StreamInfo, Unread};

    impl<T: Source, I: Identity> Guest for SourceGlue<T, I> {
        type Reader = Cell<T::Reader>;

        fn describe() -> wit::Manifest {
            manifest::<I, T::Config>(T::grants())
        }

        fn check(config: String) -> Result<(), wit::Failure> {
            crate::log::install_panic_hook();
            Ok(T::check(&ipc::decode_config(&config)?)?)
        }

        fn discover(config: String) -> Result<Vec<StreamInfo>, wit::Failure> {
            crate::log::install_panic_hook();
            let streams = T::discover(&ipc::decode_config(&config)?)?;
            streams.into_iter().map(|stream| Ok(info(stream)?)).collect()
        }

        fn slices(config: String, stream: String, cursor: Option<String>, wanted: u32) -> Result<Vec<Slice>, wit::Failure> {
            crate::log::install_panic_hook();
            let slices = T::slices(&ipc::decode_config(&config)?, &stream, cursor.as_deref(), wanted as usize)?;
            Ok(slices.into_iter().map(|slice| Slice { id: slice.id, label: slice.label, bytes: slice.bytes }).collect())
        }

        fn open(config: String, request: Request) -> Result<wit_source::Reader, wit::Failure> {
            crate::log::install_panic_hook();
            let slice = crate::Slice { id: request.slice.id, label: request.slice.label, bytes: request.slice.bytes };
            let request = crate::Request { stream: request.stream, slice, cursor: request.cursor, batch_rows: request.batch_rows as usize };
            let reader = T::open(ipc::decode_config(&config)?, request)?;
            Ok(wit_source::Reader::new(Cell(RefCell::new(reader))))
        }

        fn advance(config: String, stream: String, cursor: Option<String>, reached: Vec<String>) -> Result<Option<String>, wit::Failure> {
            crate::log::install_panic_hook();
            Ok(T::advance(&ipc::decode_config(&config)?, &stream, cursor, reached)?)
        }
    }

    impl<R: Reader> GuestReader for Cell<R> {
        fn next(&self) -> Result<Option<Pulled>, wit::Failure> {
            let Some(pulled) = self.0.borrow_mut().next()? else { return Ok(None) };
            let batch = pulled.batch.map(|batch| ipc::encode(&[batch])).transpose()?.flatten();
            let unread = pulled.unread.into_iter().map(unread).collect();
            Ok(Some(Pulled { batch, unread, cursor: pulled.cursor, bytes: pulled.bytes }))
        }
    }

    fn info(stream: crate::Stream) -> Result<StreamInfo> {
        Ok(StreamInfo {
            name: stream.name,
            schema: ipc::encode_schema(&stream.schema)?,
            primary_key: stream.primary_key,
            cursor_field: stream.cursor_field,
            write_mode: match stream.write_mode {
                WriteMode::Append => wit_source::WriteMode::Append,
                WriteMode::Replace => wit_source::WriteMode::Replace,
                WriteMode::Merge => wit_source::WriteMode::Merge,
            },
        })
    }

    fn unread(record: crate::Unread) -> Unread {
        let mut raw = record.raw;
        raw.truncate(raw.floor_char_boundary(4096));
        Unread { origin: record.origin.to_u64(), rule: record.rule, dimension: record.dimension.into(), reason: record.reason, raw }
    }
}

mod transform {
    use super::*;
    use crate::bindings::transform_world::exports::tidegate::plugin::transform as wit_transform;
    use wit_transform::{Guest, GuestTransformer, Pushed, Shape};

    impl<T: Transform, I: Identity> Guest for TransformGlue<T, I> {
        type Transformer = Cell<T>;

        fn describe() -> wit::Manifest {
            manifest::<I, T::Config>(Vec::new())
        }

        fn output_schema(config: String, context: wit::Context, input: Vec<u8>) -> Result<Shape, wit::Failure> {
            crate::log::install_panic_hook();
            let shape = T::shape(&ipc::decode_config(&config)?, &context.into(), &ipc::decode_schema(input)?)?;
            Ok(Shape {
                schema: ipc::encode_schema(&shape.schema)?,
                primary_key: shape.primary_key,
                distribution: shape.distribution.into(),
                rules: shape.rules.into_iter().map(rule).collect(),
            })
        }

        fn open(config: String, context: wit::Context, input: Vec<u8>) -> Result<wit_transform::Transformer, wit::Failure> {
            crate::log::install_panic_hook();
            let transform = T::open(ipc::decode_config(&config)?, context.into(), ipc::decode_schema(input)?)?;
            Ok(wit_transform::Transformer::new(Cell(RefCell::new(transform))))
        }
    }

    impl<T: Transform> GuestTransformer for Cell<T> {
        fn push(&self, batch: Vec<u8>) -> Result<Pushed, wit::Failure> {
            let output = self.0.borrow_mut().push(ipc::decode(batch)?)?;
            let accepted = output.accepted.map(|batch| ipc::encode(&[batch])).transpose()?.flatten();
            let rejected = output
                .rejected
                .by_rule()
                .map(|(rule, rows)| wit::Rejection { rule: u32::try_from(rule).expect("few rules"), rows: rows.to_vec() })
                .collect();
            Ok(Pushed { accepted, rejected })
        }

        fn finish(&self) -> Result<Option<Vec<u8>>, wit::Failure> {
            Ok(self.0.borrow_mut().finish()?.map(|batch| ipc::encode(&[batch])).transpose()?.flatten())
        }
    }

    fn rule(rule: crate::Rule) -> wit::Rule {
        wit::Rule { name: rule.name, dimension: rule.dimension.into(), columns: rule.columns, reason: rule.reason }
    }
}

mod quality {
    use super::*;
    use crate::bindings::quality_world::exports::tidegate::plugin::quality as wit_quality;
    use wit_quality::{Guest, GuestObserver, Measure};

    impl<T: Quality, I: Identity> Guest for QualityGlue<T, I> {
        type Observer = Cell<T>;

        fn describe() -> wit::Manifest {
            manifest::<I, T::Config>(Vec::new())
        }

        fn plan(config: String, context: wit::Context, input: Vec<u8>) -> Result<wit::Distribution, wit::Failure> {
            crate::log::install_panic_hook();
            Ok(T::plan(&ipc::decode_config(&config)?, &context.into(), &ipc::decode_schema(input)?)?.into())
        }

        fn open(config: String, context: wit::Context, input: Vec<u8>) -> Result<wit_quality::Observer, wit::Failure> {
            crate::log::install_panic_hook();
            let observer = T::open(ipc::decode_config(&config)?, context.into(), ipc::decode_schema(input)?)?;
            Ok(wit_quality::Observer::new(Cell(RefCell::new(observer))))
        }
    }

    impl<T: Quality> GuestObserver for Cell<T> {
        fn observe(&self, batch: Vec<u8>) -> Result<(), wit::Failure> {
            Ok(self.0.borrow_mut().observe(&ipc::decode(batch)?)?)
        }

        fn state(&self) -> Result<Vec<u8>, wit::Failure> {
            Ok(self.0.borrow().state()?)
        }

        fn merge(&self, state: Vec<u8>) -> Result<(), wit::Failure> {
            Ok(self.0.borrow_mut().merge(&state)?)
        }

        fn finish(&self) -> Result<Vec<Measure>, wit::Failure> {
            Ok(self.0.borrow_mut().finish()?.into_iter().map(measure).collect())
        }
    }

    fn measure(measure: crate::Measure) -> Measure {
        Measure {
            dimension: measure.dimension.into(),
            rule: measure.rule,
            columns: measure.columns,
            passed: measure.passed,
            total: measure.total,
            samples: measure.samples.into_iter().take(10).collect(),
        }
    }
}

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> Self {
        let kind = match failure.kind {
            FailureKind::Config => wit::FailureKind::Config,
            FailureKind::Auth => wit::FailureKind::Auth,
            FailureKind::RateLimited(wait) => {
                wit::FailureKind::RateLimited(wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
            }
            FailureKind::Unavailable => wit::FailureKind::Unavailable,
            FailureKind::BadData => wit::FailureKind::BadData,
            FailureKind::Bug => wit::FailureKind::Bug,
        };
        Self { kind, message: failure.message }
    }
}

impl From<wit::Failure> for Failure {
    fn from(failure: wit::Failure) -> Self {
        let kind = match failure.kind {
            wit::FailureKind::Config => FailureKind::Config,
            wit::FailureKind::Auth => FailureKind::Auth,
            wit::FailureKind::RateLimited(wait) => FailureKind::RateLimited(wait.map(Duration::from_millis)),
            wit::FailureKind::Unavailable => FailureKind::Unavailable,
            wit::FailureKind::BadData => FailureKind::BadData,
            wit::FailureKind::Bug => FailureKind::Bug,
        };
        Self { kind, message: failure.message }
    }
}

impl From<Dimension> for wit::Dimension {
    fn from(dimension: Dimension) -> Self {
        match dimension {
            Dimension::Completeness => Self::Completeness,
            Dimension::Validity => Self::Validity,
            Dimension::Consistency => Self::Consistency,
            Dimension::Timeliness => Self::Timeliness,
            Dimension::Uniqueness => Self::Uniqueness,
            Dimension::Accuracy => Self::Accuracy,
            Dimension::Conformity => Self::Conformity,
            Dimension::Integrity => Self::Integrity,
        }
    }
}

impl From<Distribution> for wit::Distribution {
    fn from(distribution: Distribution) -> Self {
        match distribution {
            Distribution::Any => Self::Any,
            Distribution::Hash(columns) => Self::Hash(columns),
            Distribution::Single => Self::Single,
        }
    }
}

impl From<wit::Context> for Context {
    fn from(context: wit::Context) -> Self {
        Self { stream: context.stream, now_micros: context.now, seed: context.seed }
    }
}
