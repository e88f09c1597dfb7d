//! Fuzzes how names become ids: the first text of an input is a template, the second one aliases, and each line of the
//! third a dependency between two names, `cluster/namespace/name` with or without what stands before.
#![no_main]

use watershed_fuzz::sources::{Found, Name, Naming, Template, Uses, aliases};
use watershed_fuzz::{check, fuzz};

fuzz!(|input| {
    let texts = check::texts(input);
    let [template, table, names] = [0, 1, 2].map(|index| texts.get(index).map_or("", String::as_str));
    let template = Template::parse(template).ok();
    let aliases = aliases(table).unwrap_or_default();
    assert!(aliases.iter().all(|(name, id)| !name.is_empty() && !id.is_empty()), "{aliases:?}");
    let mut found = Found::default();
    for (from, on) in names.lines().filter_map(|line| line.split_once(' ')) {
        let (Some(from), Some(on)) = (name(from), name(on)) else { continue };
        found.service(&from).say("kind", "Deployment");
        found.depends(&from, &on, Uses::sync().because_of("environment"));
    }
    for naming in [
        Naming { aliases: aliases.clone(), template: None },
        Naming { aliases, template: template.clone() },
        Naming { template, ..Naming::default() },
    ] {
        check::report(&found, &naming);
    }
});

fn name(text: &str) -> Option<Name> {
    let mut parts = text.rsplitn(3, '/');
    let name = parts.next().filter(|name| !name.is_empty())?;
    let (namespace, cluster) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    Some(Name::of(namespace, name).in_cluster(cluster))
}
