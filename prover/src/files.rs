//! Files that are whole or absent: written beside their place and renamed.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use tempfile::{Builder, TempDir};

/// Something went wrong with a file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {message}", path.display())]
pub struct FileError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong, and what to do about it.
    pub message: String,
}

impl FileError {
    /// An error about a file.
    pub fn new(path: &Path, message: impl ToString) -> Self {
        Self { path: path.to_owned(), message: message.to_string() }
    }
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Replaces a file atomically with what `write` produces. On any error nothing changes.
///
/// With `private`, only its owner can read it (mode 0600); else it gets the usual mode of a new file.
pub fn write_atomically(
    path: &Path,
    private: bool,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), FileError> {
    let mut builder = Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = if private { 0o600 } else { 0o666 };
        builder.permissions(fs::Permissions::from_mode(mode));
    }
    #[cfg(not(unix))]
    let _ = private;
    let run = || -> io::Result<()> {
        let file = builder.prefix(".avouch-").tempfile_in(parent(path))?;
        let mut buffered = io::BufWriter::with_capacity(1 << 20, file);
        write(&mut buffered)?;
        let file = buffered.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    run().map_err(|e| FileError::new(path, e))
}

/// A folder that appears under its name only when it is complete.
pub struct NewFolder {
    staging: TempDir,
    target: PathBuf,
}

impl NewFolder {
    /// Prepares `target`. A folder that is there already and not empty is refused, unless `force` allows to replace it.
    pub fn create(target: &Path, force: bool) -> Result<Self, FileError> {
        let error = |e: io::Error| FileError::new(target, e);
        match fs::read_dir(target) {
            Ok(mut entries) => {
                if entries.next().is_some() && !force {
                    return Err(FileError::new(target, "the folder is not empty; use --force to replace it"));
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(error(e)),
        }
        fs::create_dir_all(parent(target)).map_err(error)?;
        let staging = Builder::new().prefix(".avouch-").tempdir_in(parent(target)).map_err(error)?;
        Ok(Self { staging, target: target.to_owned() })
    }

    /// Where to write the files.
    pub fn path(&self) -> &Path {
        self.staging.path()
    }

    /// Puts the folder in its place, with the usual mode of a new folder. A folder that it replaces goes only when the
    /// new one is complete.
    pub fn commit(self) -> Result<(), FileError> {
        let Self { staging, target } = self;
        let run = || -> io::Result<()> {
            let mut replaced = None;
            if target.exists() {
                let old = Builder::new().prefix(".avouch-").tempdir_in(parent(&target))?;
                fs::rename(&target, old.path().join("old"))?;
                replaced = Some(old);
            }
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt as _;
                fs::set_permissions(staging.path(), fs::Permissions::from_mode(0o755))?;
            }
            let staged = staging.keep();
            if let Err(e) = fs::rename(&staged, &target) {
                let _ = fs::remove_dir_all(&staged);
                if let Some(old) = &replaced {
                    fs::rename(old.path().join("old"), &target)?;
                }
                return Err(e);
            }
            Ok(())
        };
        run().map_err(|e| FileError::new(&target, e))
    }
}

/// Reads a whole file of at most `limit` bytes.
pub fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let error = |e: io::Error| FileError::new(path, e);
    let file = fs::File::open(path).map_err(error)?;
    let metadata = file.metadata().map_err(error)?;
    if !metadata.is_file() {
        return Err(FileError::new(path, "not a regular file"));
    }
    if metadata.len() > limit {
        return Err(FileError::new(path, format!("{} bytes; at most {limit} are expected here", metadata.len())));
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, limit), &mut bytes).map_err(error)?;
    Ok(bytes)
}
