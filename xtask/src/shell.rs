//! Running other programs.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Instant,
};

use crate::Result;

/// The root of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// The cargo that runs this, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Where cargo puts what a profile builds.
pub(crate) fn built(profile: &str) -> Result<PathBuf> {
    let metadata = output(cargo().args(["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata)?;
    let target = metadata["target_directory"].as_str().ok_or("cargo metadata names no target directory")?;
    Ok(Path::new(target).join(profile))
}

/// Whether a program can be started.
pub(crate) fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Runs a step with its output shown, and says how long it took.
pub(crate) fn step(name: &str, command: &mut Command) -> Result<()> {
    println!("── {name}");
    let start = Instant::now();
    let status = command.status().map_err(|e| format!("{name}: cannot run {:?}: {e}", command.get_program()))?;
    println!("── {name}: {:.0} s", start.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(format!("{name} failed ({status})").into()) }
}

/// What a program prints, if it succeeds.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let Output { status, stdout, stderr } = run(command)?;
    if !status.success() {
        return Err(format!("{command:?} failed ({status}): {}", String::from_utf8_lossy(&stderr).trim()).into());
    }
    Ok(String::from_utf8(stdout)?)
}

/// Runs a program to its end.
pub(crate) fn run(command: &mut Command) -> Result<Output> {
    Ok(command.output().map_err(|e| format!("cannot run {:?}: {e}", command.get_program()))?)
}

/// Installs Debian packages, as root or through sudo.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let missing = || format!("the tests need {}; install them and try again", packages.join(", "));
    let privileged = match output(Command::new("id").arg("-u"))?.trim() {
        "0" => vec![],
        _ if exists("sudo") => vec!["sudo", "-n"],
        _ => return Err(missing().into()),
    };
    for arguments in [&["update"][..], &[&["install", "-y", "--no-install-recommends"], packages].concat()] {
        let command = [&privileged[..], &["apt-get"], arguments].concat();
        step("packages", Command::new(command[0]).args(&command[1..]).env("DEBIAN_FRONTEND", "noninteractive"))
            .map_err(|e| format!("{} ({e})", missing()))?;
    }
    Ok(())
}

/// Installs the npm packages that a folder of the workspace names, exactly those of its lock file.
pub(crate) fn npm_ci(folder: &str) -> Result<()> {
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]);
    step(&format!("npm packages of {folder}"), npm.current_dir(root().join(folder)))
}
