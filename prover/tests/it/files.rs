//! Files and folders are whole or absent.

use std::{fs, io};

use avouch_prover::{
    files::{NewFolder, read_bounded, write_atomically},
    keys, setup,
};
use tempfile::TempDir;

use crate::fixture::{entries, first};

#[test]
fn a_file_is_replaced_as_a_whole_or_kept() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    write_atomically(&path, false, |out| out.write_all(b"first")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"first");

    let failed = write_atomically(&path, false, |out| {
        out.write_all(&vec![b'x'; 3 << 20])?;
        Err(io::Error::other("stopped"))
    });
    assert!(failed.unwrap_err().message.contains("stopped"));
    assert_eq!(fs::read(&path).unwrap(), b"first");

    write_atomically(&path, false, |out| out.write_all(b"second")).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second");
    assert_eq!(entries(folder.path()), [path], "no temporary file is left");
}

#[test]
fn a_file_without_a_folder_is_not_written() {
    let folder = TempDir::new().unwrap();
    assert!(write_atomically(&folder.path().join("missing/file"), false, |_| Ok(())).is_err());
    assert!(write_atomically(folder.path(), false, |_| Ok(())).is_err(), "a folder of that name");
    assert!(entries(folder.path()).is_empty());
}

#[cfg(unix)]
#[test]
fn only_private_files_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let mode = |name: &str, private| {
        let path = folder.path().join(name);
        write_atomically(&path, private, |_| Ok(())).unwrap();
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!(mode("private", true), 0o600);
    let plain = folder.path().join("plain");
    fs::write(&plain, "").unwrap();
    assert_eq!(mode("public", false), fs::metadata(plain).unwrap().permissions().mode() & 0o777);
}

#[test]
fn a_key_folder_appears_when_it_is_complete() {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("a/keys");
    let keys = || setup(first().0.system, &first().0.graph, &first().0.circuit, "test", Some([7; 32]), &()).unwrap();

    let new = NewFolder::create(&target, false).unwrap();
    fs::write(new.path().join("half"), "done").unwrap();
    assert!(!target.exists());
    drop(new);
    assert!(entries(&folder.path().join("a")).is_empty(), "given up without a trace");

    keys::write(NewFolder::create(&target, false).unwrap(), &keys()).unwrap();
    let names = [keys::MANIFEST, keys::PROVING_KEY, keys::VERIFYING_KEY].map(|n| target.join(n));
    assert_eq!(entries(&target), names);
    assert_eq!(entries(&folder.path().join("a")), [target.as_path()]);
    assert_eq!(keys::read_verifying_key(&names[2]).unwrap(), first().0.key());
    assert_eq!(fs::read(&names[1]).unwrap(), first().0.proving);

    // Not over other files, unless forced; and then completely.
    fs::write(target.join("mine"), "precious").unwrap();
    let refused = NewFolder::create(&target, false).err().unwrap();
    assert!(refused.message.contains("--force"), "{refused}");
    let forced = NewFolder::create(&target, true).unwrap();
    assert!(target.join("mine").exists(), "kept until the new folder is complete");
    keys::write(forced, &keys()).unwrap();
    assert_eq!(entries(&target), names);
    assert_eq!(entries(&folder.path().join("a")), [target.as_path()]);
}

#[test]
fn an_empty_folder_is_used_and_a_file_is_not() {
    let folder = TempDir::new().unwrap();
    let target = folder.path().join("keys");
    fs::create_dir(&target).unwrap();
    let new = NewFolder::create(&target, false).unwrap();
    fs::write(new.path().join("key"), "k").unwrap();
    new.commit().unwrap();
    assert_eq!(entries(&target), [target.join("key")]);
    assert!(NewFolder::create(&target.join("key"), true).is_err());
}

#[test]
fn reading_is_bounded() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, [1, 2, 3]).unwrap();
    assert_eq!(read_bounded(&path, 3).unwrap(), [1, 2, 3]);
    assert!(read_bounded(&path, 2).unwrap_err().message.contains("at most 2"));
    assert!(read_bounded(folder.path(), 9).unwrap_err().message.contains("not a regular file"));
    assert!(read_bounded(&folder.path().join("missing"), 9).is_err());
    #[cfg(target_os = "linux")]
    assert!(read_bounded(std::path::Path::new("/dev/zero"), 9).unwrap_err().message.contains("not a regular file"));

    fs::write(&path, &first().0.verifying[1..]).unwrap();
    assert!(keys::read_verifying_key(&path).unwrap_err().message.contains("verifying key"));
}
