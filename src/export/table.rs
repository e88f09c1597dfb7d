//! The tables of the copy, and the statements that bring them up to date from what is staged.
//!
//! What a table means is said where it is made, in `migrations`.

use tokio_postgres::types::Type;

/// A table of the schema.
pub(super) struct Table {
    pub(super) name: &'static str,
    /// Those that tell a row from every other come first.
    pub(super) columns: &'static [(&'static str, Type)],
    pub(super) keys: usize,
}

pub(super) const SERVICES: Table = Table {
    name: "services",
    columns: &[
        ("service_id", Type::TEXT),
        ("id", Type::UUID),
        ("team", Type::TEXT),
        ("criticality", Type::TEXT),
        ("service_type", Type::TEXT),
        ("discovered", Type::BOOL),
        ("published_sla", Type::FLOAT8),
        ("availability", Type::FLOAT8),
        ("metadata", Type::JSONB),
        ("created_at", Type::TIMESTAMPTZ),
        ("updated_at", Type::TIMESTAMPTZ),
    ],
    keys: 1,
};

pub(super) const DEPENDENCIES: Table = Table {
    name: "service_dependencies",
    columns: &[
        ("source_service_id", Type::TEXT),
        ("target_service_id", Type::TEXT),
        ("discovery_source", Type::TEXT),
        ("communication_mode", Type::TEXT),
        ("criticality", Type::TEXT),
        ("protocol", Type::TEXT),
        ("timeout_ms", Type::INT4),
        ("max_retries", Type::INT2),
        ("backoff_strategy", Type::TEXT),
        ("confidence_score", Type::FLOAT8),
        ("times_observed", Type::INT8),
        ("last_observed_at", Type::TIMESTAMPTZ),
        ("stale_since", Type::TIMESTAMPTZ),
        ("is_shown", Type::BOOL),
    ],
    keys: 3,
};

pub(super) const ALERTS: Table = Table {
    name: "circular_dependency_alerts",
    columns: &[
        ("id", Type::UUID),
        ("status", Type::TEXT),
        ("is_active", Type::BOOL),
        ("is_strong", Type::BOOL),
        ("members", Type::TEXT_ARRAY),
        ("cycle_path", Type::TEXT_ARRAY),
        ("detected_at", Type::TIMESTAMPTZ),
        ("acknowledged_by", Type::TEXT),
        ("resolution_notes", Type::TEXT),
    ],
    keys: 1,
};

pub(super) const TARGETS: Table = Table {
    name: "slo_targets",
    columns: &[("service_id", Type::TEXT), ("availability_target", Type::FLOAT8)],
    keys: 1,
};

pub(super) const AUDIT: Table = Table {
    name: "audit_log",
    columns: &[
        ("version", Type::INT8),
        ("at", Type::TIMESTAMPTZ),
        ("actor", Type::TEXT),
        ("action", Type::TEXT),
        ("discovery_source", Type::TEXT),
        ("service_id", Type::TEXT),
        ("target_service_id", Type::TEXT),
        ("alert_id", Type::UUID),
        ("services", Type::INT8),
        ("dependencies", Type::INT8),
    ],
    keys: 1,
};

impl Table {
    /// The table itself.
    pub(super) fn place(&self) -> String {
        format!("watershed.{}", self.name)
    }

    /// Where rows are staged that are to be put in.
    pub(super) fn staged(&self) -> String {
        format!("pg_temp.staged_{}", self.name)
    }

    /// Where keys are staged of rows that are to be taken out.
    pub(super) fn gone(&self) -> String {
        format!("pg_temp.gone_{}", self.name)
    }

    /// Makes both, until the transaction ends.
    pub(super) fn stage(&self) -> String {
        let of = |name: String, columns: String| {
            format!(
                "CREATE TEMP TABLE {name} ON COMMIT DROP AS SELECT {columns} FROM watershed.{} WITH NO DATA;",
                self.name
            )
        };
        of(self.staged(), list("", self.columns)) + &of(self.gone(), list("", self.key()))
    }

    /// The columns that tell a row from every other.
    pub(super) fn key(&self) -> &'static [(&'static str, Type)] {
        &self.columns[..self.keys]
    }

    /// Takes out everything.
    pub(super) fn clear(&self) -> String {
        format!("DELETE FROM watershed.{}", self.name)
    }

    /// Takes out what is not staged.
    pub(super) fn keep_staged(&self) -> String {
        let (name, staged) = (self.name, self.staged());
        format!(
            "DELETE FROM watershed.{name} AS held WHERE NOT EXISTS (SELECT FROM {staged} AS staged WHERE {})",
            self.same("held", "staged")
        )
    }

    /// Takes out what is staged as gone.
    pub(super) fn take_out(&self) -> String {
        let (name, gone) = (self.name, self.gone());
        let same = self.same("held", "gone");
        format!("DELETE FROM watershed.{name} AS held USING {gone} AS gone WHERE {same}")
    }

    /// Puts in what is staged and not there, or different there. What is the same is not touched.
    pub(super) fn put_in(&self) -> String {
        let (name, staged) = (self.name, self.staged());
        let rest = &self.columns[self.keys..];
        let columns = list("", self.columns);
        let set: Vec<String> =
            rest.iter().map(|(column, _)| format!("{column} = excluded.{column}")).collect();
        format!(
            "INSERT INTO watershed.{name} AS held ({columns}) SELECT {} FROM {staged} AS staged \
             LEFT JOIN watershed.{name} AS held ON {} \
             WHERE held.{} IS NULL OR ({}) IS DISTINCT FROM ({}) \
             ON CONFLICT ({}) DO UPDATE SET {}",
            list("staged.", self.columns),
            self.same("held", "staged"),
            self.columns[0].0,
            list("held.", rest),
            list("staged.", rest),
            list("", self.key()),
            set.join(", "),
        )
    }

    /// Makes the rows that are there and meet a condition what is staged for them.
    pub(super) fn update(&self, condition: &str) -> String {
        let rest = &self.columns[self.keys..];
        let set: Vec<String> = rest.iter().map(|(column, _)| format!("{column} = staged.{column}")).collect();
        format!(
            "UPDATE watershed.{} AS held SET {} FROM {} AS staged WHERE {} AND {condition}",
            self.name,
            set.join(", "),
            self.staged(),
            self.same("held", "staged"),
        )
    }

    fn same(&self, one: &str, other: &str) -> String {
        let pairs: Vec<String> =
            self.key().iter().map(|(column, _)| format!("{one}.{column} = {other}.{column}")).collect();
        pairs.join(" AND ")
    }
}

/// Copies rows with these columns into a table.
pub(super) fn copy_into(place: &str, columns: &[(&str, Type)]) -> String {
    format!("COPY {place} ({}) FROM STDIN (FORMAT binary)", list("", columns))
}

/// The names of columns, each behind a prefix.
fn list(prefix: &str, columns: &[(&str, Type)]) -> String {
    let names: Vec<String> = columns.iter().map(|(column, _)| format!("{prefix}{column}")).collect();
    names.join(", ")
}
