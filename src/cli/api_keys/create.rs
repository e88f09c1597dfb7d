//! `watershed api-keys create`: a new key, shown once.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{PATH, Place, open, operator};
use crate::cli::client::{Client, ServerOption};
use crate::cli::console::{Console, Format, FormatOption};
use crate::cli::failure::Failure;
use crate::keys::{Record, Token};
use crate::types::{LimitClass, NewKey, Role, Timestamp};
use crate::{clock, ingest, limits, render};

const EXAMPLES: &str = "\
Examples:
  watershed api-keys create ci --role writer
  watershed api-keys create backstage --query 0 --expires-at 2027-06-30T00:00:00Z
  watershed api-keys create me --role admin --data-dir data     before the first start, or while no server runs
  export WATERSHED_API_KEY=$(watershed api-keys create me --format json | jq -r .key)

Exit codes: 0 done, 1 failed, 2 bad usage, 3 the keys of the data directory are damaged, 4 a server holds it.";

/// Make a key; it is shown once
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Options {
    /// How people and the audit log name it
    #[arg(value_parser = name)]
    name: Arc<str>,
    /// What it may do: reader, writer (and read), admin (everything)
    #[arg(long, default_value = "reader", value_parser = role)]
    role: Role,
    /// When it stops working, as an RFC 3339 time
    #[arg(long, value_name = "TIME", value_parser = end)]
    expires_at: Option<Timestamp>,
    /// Reports and imports it may send a minute; 0 is unlimited, and without this the server's setting holds
    #[arg(long, value_name = "REQUESTS", value_parser = rate())]
    ingestion: Option<u32>,
    /// Reads of the graph it may ask for a minute
    #[arg(long, value_name = "REQUESTS", value_parser = rate())]
    query: Option<u32>,
    /// All other requests it may send a minute
    #[arg(long, value_name = "REQUESTS", value_parser = rate())]
    default: Option<u32>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    format: FormatOption,
    #[command(flatten)]
    server: ServerOption,
}

fn name(text: &str) -> Result<Arc<str>, &'static str> {
    ingest::key_name_fits(text).map(|()| text.into())
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| format!("expected one of {}", Role::NAMES.join(", ")))
}

fn end(text: &str) -> Result<Timestamp, &'static str> {
    let end = Timestamp::parse(text).ok().filter(|end| *end > clock::now());
    end.ok_or("expected an RFC 3339 time in the future")
}

fn rate() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(..=i64::from(limits::RATE_PER_MINUTE_MAX))
}

impl Options {
    fn rates(&self) -> [Option<u32>; 3] {
        [self.ingestion, self.query, self.default]
    }

    fn request(&self) -> Value {
        let rates = LimitClass::ALL.iter().zip(self.rates());
        let rates: Map<_, _> =
            rates.filter_map(|(class, rate)| Some((class.as_str().to_owned(), rate?.into()))).collect();
        let expires_at = self.expires_at.map(|at| at.to_string());
        json!({"name": &*self.name, "role": self.role.as_str(), "expires_at": expires_at, "rate_limits": rates})
    }
}

/// What a person is told; programs get all of it.
#[derive(Deserialize)]
struct Made {
    name: String,
    role: String,
    key: String,
}

pub(super) fn run(options: &Options, console: &mut Console) -> Result<(), Failure> {
    let answer = if let Some(path) = &options.place.data_dir {
        create(path, options)?
    } else {
        let client = Client::new(&options.server)?;
        client.post(PATH, options.request().to_string().into(), clock::new_id())?.into()
    };
    if console.format(options.format) == Format::Json {
        return console.print_line(&answer);
    }
    let Made { name, role, key } = serde_json::from_slice(&answer).map_err(Failure::failed)?;
    let name = crate::cli::console::printable(&name);
    console.print(
        format!("{key}\n\nThe key of {name} ({role}). It is not shown again: keep it now.\n").as_bytes(),
    )
}

fn create(path: &Path, options: &Options) -> Result<Vec<u8>, Failure> {
    let (mut store, _lock) = open(path)?;
    let wanted = NewKey {
        name: Arc::clone(&options.name),
        role: options.role,
        rate_limits: options.rates(),
        expires_at: options.expires_at,
    };
    let (token, now, mut salt) = (Token::mint(clock::entropy), clock::now(), [0; 16]);
    clock::entropy(&mut salt);
    let record = Record::new(wanted, &token, salt, (clock::new_id(), now, operator()));
    store.create(record.clone(), now).map_err(Failure::failed)?;
    Ok(render::new_api_key(&record, &token))
}
