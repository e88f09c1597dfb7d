//! The flags of `serve`, made from the table.
//!
//! Not their meaning: clap only collects the texts, so that a bad one is reported in the same words
//! wherever it came from.
//!
//! - One flag per row of the table that is no secret; each takes one value and may be given once.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, value_parser};

use super::{Key, SETTINGS, Setting};

/// The values that were given on the command line.
#[derive(Clone, Debug, Default)]
pub struct SettingFlags(Vec<(Key, OsString)>);

impl SettingFlags {
    /// The value of a setting's flag.
    pub fn get(&self, key: Key) -> Option<&OsStr> {
        self.0.iter().find(|(held, _)| *held == key).map(|(_, value)| value.as_os_str())
    }
}

impl FromIterator<(Key, OsString)> for SettingFlags {
    fn from_iter<I: IntoIterator<Item = (Key, OsString)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let given = |setting: &Setting| {
            matches.get_one::<OsString>(setting.name).map(|value| (setting.key, value.clone()))
        };
        Ok(with_flags().filter_map(given).collect())
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        command.next_help_heading("Settings").args(with_flags().map(flag)).next_help_heading(None)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// A secret on a command line would be everybody's who may list the processes.
fn with_flags() -> impl Iterator<Item = &'static Setting> {
    SETTINGS.iter().filter(|setting| !setting.is_secret())
}

fn flag(setting: &Setting) -> Arg {
    let Setting { name, placeholder, help, .. } = setting;
    let default = setting.default_text();
    Arg::new(*name)
        .long(setting.flag())
        .value_name(*placeholder)
        .value_parser(value_parser!(OsString))
        .help(format!("{help} [default: {default}] [env: {name}]"))
        .long_help(format!("{help}\n[default: {default}] [env: {name}]"))
}
