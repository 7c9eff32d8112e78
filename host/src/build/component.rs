//! From the core module to the file: encode, digest, write.
//!
//! # Why
//! Nothing is cached: encoding, validating and decoding 2 MB takes about 0.1 s, as long as cargo needs to see that nothing changed.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use wit_component::ComponentEncoder;

use super::BuildError;
use super::contract::{self, Binary};

/// Makes a component of a core module. What is one already, since a linker made it, is taken as it is.
pub(super) fn encode(core: &[u8], name: &str) -> Result<Vec<u8>, BuildError> {
    if contract::binary(core) == Binary::Component {
        return Ok(core.to_vec());
    }
    ComponentEncoder::default()
        .validate(true)
        .module(core)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|source| BuildError::Encode { name: name.to_owned(), source: source.into() })
}

/// Writes the component under its final name. An equal one is left alone, so that what is derived from it stays fresh.
pub(super) fn write(out_dir: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, BuildError> {
    let path = out_dir.join(format!("{name}.wasm"));
    if fs::read(&path).is_ok_and(|old| old == bytes) {
        return Ok(path);
    }
    let failed = |source: std::io::Error| BuildError::File { what: "write", path: path.clone(), source };
    fs::create_dir_all(out_dir).map_err(failed)?;
    let mut file = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(out_dir).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    readable_by_all(file.as_file()).map_err(failed)?;
    file.persist(&path).map_err(|error| failed(error.error))?;
    Ok(path)
}

/// Temporary files are private to their owner; a component is meant for whoever runs the host.
fn readable_by_all(file: &fs::File) -> std::io::Result<()> {
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    let _ = file;
    Ok(())
}

/// The digest in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_replaces_the_old_one_only_where_it_differs() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("made/on/demand");
        let path = write(&out, "upper", b"one").unwrap();
        let first = fs::metadata(&path).unwrap().modified().unwrap();
        assert_eq!(write(&out, "upper", b"one").unwrap(), path);
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), first);
        write(&out, "upper", b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(&out).unwrap().count(), 1, "no part is left behind");
    }

    #[test]
    fn what_is_no_module_is_refused_with_the_cause() {
        let error = encode(b"\0asm\x01\0\0\0garbage", "upper").unwrap_err();
        assert!(matches!(error, BuildError::Encode { .. }));
        assert!(error.hint().is_some());
    }

    #[test]
    fn a_digest_is_lower_case_hex() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
