//! Files for a program on this machine: they are copied to a directory, and then the program is told.

use super::Failure;
use crate::export::Meta;
use crate::export::place::{Listed, Place};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Where files go, and who is told.
#[derive(Debug, Clone)]
pub struct Hook {
    /// The directory.
    pub dir: PathBuf,
    /// The program, by its whole path, and its arguments.
    pub command: Vec<String>,
    /// For how long it may run.
    pub time_limit: Duration,
}

impl Hook {
    /// A hook; no shell ever sees its command.
    pub fn new(dir: PathBuf, command: Vec<String>, time_limit: Option<Duration>) -> Result<Self, String> {
        match command.first() {
            Some(program) if program.starts_with('/') => {
                Ok(Self { dir, command, time_limit: time_limit.unwrap_or(TIME_LIMIT) })
            }
            _ => Err("command: expected [\"/PATH/OF/PROGRAM\", \"ARGUMENT\", …]".to_owned()),
        }
    }

    /// Copies the files of an export. All are there, whole, before the first takes its place, and
    /// the description comes last.
    pub fn copy(&self, exports: &Path, meta: &Meta) -> Result<usize, Failure> {
        let failed = |error: io::Error| Failure::Failed(format!("{}: {error}", self.dir.display()));
        // Nobody puts other files there meanwhile.
        let place = Place::take(exports, &meta.name).map_err(failed)?;
        if place.meta().as_ref() != Some(meta) {
            return Err(Failure::Failed("the export is just being replaced".to_owned()));
        }
        self.replace(&place, meta).map_err(failed)
    }

    fn replace(&self, place: &Place, meta: &Meta) -> io::Result<usize> {
        fs::create_dir_all(&self.dir)?;
        let before = crate::export::place::meta(&self.dir, &meta.name);
        let mut served = meta.clone();
        served.files.retain(|file| !file.is_state);
        let mut names = Vec::new();
        for file in &served.files {
            let bytes = place
                .previous(&file.name)
                .ok_or_else(|| io::Error::other(format!("{} is missing", file.name)))?;
            self.beside(&file.name, &bytes)?;
            self.beside(&sums(file), format!("{}  {}\n", file.sha256, file.name).as_bytes())?;
            names.extend([file.name.clone(), sums(file)]);
        }
        let description = format!("{}.meta.json", meta.name);
        self.beside(&description, &serde_json::to_vec_pretty(&served)?)?;
        for name in names.iter().chain([&description]) {
            fs::rename(self.dir.join(beside(name)), self.dir.join(name))?;
        }
        let gone = before.into_iter().flat_map(|before| before.files);
        for name in gone.flat_map(|file| [sums(&file), file.name]).filter(|name| !names.contains(name)) {
            // A description that somebody has changed must not lead elsewhere.
            if !name.contains('/') {
                let _ = fs::remove_file(self.dir.join(name));
            }
        }
        File::open(&self.dir)?.sync_all()?;
        Ok(served.files.len())
    }

    fn beside(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o640);
        let mut file = options.open(self.dir.join(beside(name)))?;
        file.write_all(bytes)?;
        file.sync_all()
    }

    /// Runs the program. It must end with 0, in time; what it writes to standard error goes to ours.
    pub fn run(&self, meta: &Meta, is_stopped: &dyn Fn() -> bool) -> Result<(), Failure> {
        let (program, arguments) = self.command.split_first().ok_or(Failure::Stopped)?;
        let failed = |what: &dyn std::fmt::Display| Failure::Failed(format!("{program}: {what}"));
        let child = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", PATH)
            .env("LIAISON_EXPORT_NAME", &meta.name)
            .env("LIAISON_EXPORT_DIR", &self.dir)
            .env("LIAISON_EXPORT_ROWS", meta.rows.to_string())
            .current_dir(&self.dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn();
        let ended = self.wait(child.map_err(|error| failed(&error))?, is_stopped);
        match ended.map_err(|error| failed(&error))? {
            Some(status) if status.success() => Ok(()),
            Some(status) => Err(failed(&format!("it ended with {status}"))),
            None if is_stopped() => Err(Failure::Stopped),
            None => Err(failed(&format!("it ran longer than {} s and was ended", self.time_limit.as_secs()))),
        }
    }

    /// Waits until it ends; if that takes too long, ends it and all that it has started.
    fn wait(&self, mut child: Child, is_stopped: &dyn Fn() -> bool) -> io::Result<Option<ExitStatus>> {
        let begun = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(Some(status));
            }
            if begun.elapsed() >= self.time_limit || is_stopped() {
                let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
                if let Some(group) = group {
                    let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                }
                child.wait()?;
                return Ok(None);
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

fn sums(file: &Listed) -> String {
    format!("{}.sha256", file.name)
}

fn beside(name: &str) -> String {
    format!(".{name}.new")
}

const TIME_LIMIT: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(name: &str, files: &[&str]) -> Meta {
        let listed = |name: &&str| serde_json::json!({"name": name, "media_type": "", "sha256": "00", "bytes": 1, "rows": 1});
        serde_json::from_value(serde_json::json!({
            "name": name, "format": "list", "generated": "", "organisation": "", "collections": [], "tlp": "", "pap_max": "",
            "purposes": [], "caveats": [], "rows": 7, "left_out": {}, "files": files.iter().map(listed).collect::<Vec<_>>(),
        }))
        .unwrap()
    }

    fn hook(dir: &Path, script: &str, millis: u64) -> Hook {
        let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
        Hook::new(dir.to_owned(), command, Some(Duration::from_millis(millis))).unwrap()
    }

    #[test]
    fn a_program_is_told_what_there_is_and_knows_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let hook = hook(dir.path(), "env > seen; pwd >> seen", 5_000);
        hook.run(&meta("soc", &[]), &|| false).unwrap();
        let seen = fs::read_to_string(dir.path().join("seen")).unwrap();
        for line in ["LIAISON_EXPORT_NAME=soc", "LIAISON_EXPORT_ROWS=7"] {
            assert!(seen.lines().any(|found| found == line), "{seen}");
        }
        assert!(seen.contains(&format!("LIAISON_EXPORT_DIR={}\n", dir.path().display())));
        assert!(!seen.contains("HOME=") && !seen.contains("CARGO"), "{seen}");
    }

    #[test]
    fn arguments_are_no_shell_words() {
        let dir = tempfile::tempdir().unwrap();
        let command = ["/usr/bin/touch", "a b; touch c"].map(str::to_owned).to_vec();
        Hook::new(dir.path().to_owned(), command, None).unwrap().run(&meta("soc", &[]), &|| false).unwrap();
        assert!(dir.path().join("a b; touch c").exists() && !dir.path().join("c").exists());
        assert!(Hook::new("d".into(), vec!["touch".to_owned()], None).is_err());
        assert!(Hook::new("d".into(), Vec::new(), None).is_err());
    }

    #[test]
    fn what_fails_or_hangs_is_a_failure_and_its_children_end_too() {
        let dir = tempfile::tempdir().unwrap();
        let error =
            |script, millis| hook(dir.path(), script, millis).run(&meta("soc", &[]), &|| false).unwrap_err();
        assert!(error("exit 3", 5_000).to_string().contains('3'));
        assert!(error("kill -9 $$", 5_000).to_string().contains("signal"));
        let begun = Instant::now();
        let late = error("(sleep 2; touch late) & sleep 30", 300);
        assert!(late.to_string().contains("longer") && begun.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(2_500));
        assert!(!dir.path().join("late").exists());
        let stopped = hook(dir.path(), "sleep 30", 60_000).run(&meta("soc", &[]), &|| true);
        assert_eq!(stopped, Err(Failure::Stopped));
    }

    #[test]
    fn files_are_copied_whole_and_those_that_are_no_more_go() {
        let (exports, target) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let dir = target.path().join("deep/dir");
        let hook = hook(&dir, "true", 100);
        let put = |meta: &Meta, text: &str| {
            fs::create_dir_all(exports.path().join("soc")).unwrap();
            for file in &meta.files {
                fs::write(exports.path().join("soc").join(&file.name), text).unwrap();
            }
            fs::write(exports.path().join("soc/soc.meta.json"), serde_json::to_vec(meta).unwrap()).unwrap();
        };
        let (first, second) = (meta("soc", &["a", "b"]), meta("soc", &["a"]));
        put(&first, "1");
        assert_eq!(hook.copy(exports.path(), &first), Ok(2));
        fs::write(dir.join("mine"), "x").unwrap();
        assert!(hook.copy(exports.path(), &second).is_err(), "another one stands there");
        put(&second, "2");
        assert_eq!(hook.copy(exports.path(), &second), Ok(1));
        let mut names: Vec<_> = fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["a", "a.sha256", "mine", "soc.meta.json"]);
        assert_eq!(fs::read_to_string(dir.join("a")).unwrap(), "2");
    }
}
