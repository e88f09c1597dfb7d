//! All objects of one kind, kept up to date by a watch.
//!
//! - A change that nothing is read from, such as a pod's heartbeat, is not told of.
//! - An error from which the watch recovers by itself changes nothing.

use std::sync::Arc;

use futures_util::StreamExt;
use kube::api::DynamicObject;
use kube::discovery::ApiResource;
use kube::runtime::WatchStreamExt;
use kube::runtime::reflector::{Lookup, Store, store::Writer};
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::sleep;

use crate::limits;
use crate::sources::kubernetes::Kind;

/// A mirror of one kind.
pub(super) struct Mirror {
    pub(super) kind: &'static Kind,
    objects: Store<DynamicObject>,
    state: watch::Receiver<Known>,
    task: AbortHandle,
}

/// How far a mirror has come.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum State {
    /// The first list is not there yet.
    Pending,
    /// It shows what the cluster has.
    Listed,
    /// The cluster does not have the kind.
    Absent,
    /// It cannot be renewed.
    Failed(String),
}

#[derive(Clone, Debug)]
struct Known {
    state: State,
    was_listed: bool,
}

impl Drop for Mirror {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Mirror {
    /// Begins to watch a kind; `changes` is told of what is new.
    pub(super) fn of(kind: &'static Kind, client: Client, changes: watch::Sender<()>) -> Self {
        let resource = resource(kind);
        let api: Api<DynamicObject> = Api::all_with(client, &resource);
        let writer = Writer::new(resource.clone());
        let objects = writer.as_reader();
        let (tell, state) = watch::channel(Known { state: State::Pending, was_listed: false });
        let task = tokio::spawn(follow(api, resource, writer, tell, changes)).abort_handle();
        Self { kind, objects, state, task }
    }

    /// How far it has come.
    pub(super) fn state(&self) -> State {
        self.state.borrow().state.clone()
    }

    /// Whether it ever showed what the cluster has.
    pub(super) fn was_listed(&self) -> bool {
        self.state.borrow().was_listed
    }

    /// Waits until it is known whether the kind can be read.
    pub(super) async fn is_decided(&self) {
        // A watch that has ended will not list any more; what is known is its last word.
        let _ = self.state.clone().wait_for(|known| known.state != State::Pending).await;
    }

    /// Why it does not show what the cluster has now, with the kind's name.
    pub(super) fn failure(&self) -> Option<(&'static str, String)> {
        let plural = self.kind.plural;
        match self.state() {
            State::Listed | State::Absent => None,
            State::Failed(reason) => Some((plural, format!("{plural} cannot be read: {reason}"))),
            State::Pending => Some((plural, format!("{plural} were not listed in time"))),
        }
    }

    /// What it shows; nothing where the cluster does not have the kind any more.
    pub(super) fn objects(&self) -> Vec<(&'static Kind, Arc<DynamicObject>)> {
        if self.state() == State::Absent {
            return Vec::new();
        }
        self.objects.state().into_iter().map(|object| (self.kind, object)).collect()
    }
}

/// Keeps a mirror up to date, for ever.
async fn follow(
    api: Api<DynamicObject>,
    resource: ApiResource,
    mut writer: Writer<DynamicObject>,
    state: watch::Sender<Known>,
    changes: watch::Sender<()>,
) {
    loop {
        let events = watcher(api.clone(), watcher::Config::default())
            .default_backoff()
            .modify(forget_what_is_not_read);
        let mut events = std::pin::pin!(events);
        while let Some(event) = events.next().await {
            let next = match event {
                Ok(event) => {
                    let is_new = says_something_new(&writer, &resource, &event);
                    writer.apply_watcher_event(&event);
                    if matches!(event, Event::Init | Event::InitApply(_)) {
                        continue;
                    }
                    state.send_replace(Known { state: State::Listed, was_listed: true });
                    if is_new {
                        changes.send_replace(());
                    }
                    continue;
                }
                Err(error) => after(&error),
            };
            let Some((next, begins_again)) = next else { continue };
            state.send_modify(|known| known.state = next);
            changes.send_replace(());
            if begins_again {
                break;
            }
        }
        // From a list, for a watch that begins again in silence does not say that all is well.
        sleep(limits::KUBERNETES_TIMEOUT).await;
    }
}

fn says_something_new(
    writer: &Writer<DynamicObject>,
    resource: &ApiResource,
    event: &Event<DynamicObject>,
) -> bool {
    match event {
        Event::Apply(object) => {
            let known = writer.as_reader().get(&object.to_object_ref(resource.clone()));
            known.is_none_or(|known| known.metadata != object.metadata || known.data != object.data)
        }
        Event::Delete(_) | Event::Init | Event::InitApply(_) | Event::InitDone => true,
    }
}

/// What an error says of a mirror, and whether the watch has to begin again; `None` where it goes on by itself.
fn after(error: &watcher::Error) -> Option<(State, bool)> {
    let is_no = |status: &kube::core::Status| matches!(status.code, 401 | 403 | 404);
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 404 => {
            Some((State::Absent, false))
        }
        watcher::Error::InitialListFailed(kube::Error::Api(status)) => {
            Some((State::Failed(status.message.clone()), false))
        }
        watcher::Error::InitialListFailed(cause) => Some((State::Failed(cause.to_string()), false)),
        // Allowed to list, but not to watch: the mirror does not follow.
        watcher::Error::WatchStartFailed(kube::Error::Api(status)) if is_no(status) => {
            Some((State::Failed(status.message.clone()), true))
        }
        watcher::Error::NoResourceVersion => Some((State::Failed(error.to_string()), true)),
        watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchError(_)
        | watcher::Error::WatchFailed(_) => None,
    }
}

/// Half of an object may be who wrote which field, and most of its changes are in its status.
fn forget_what_is_not_read(object: &mut DynamicObject) {
    object.metadata.managed_fields = None;
    object.metadata.resource_version = None;
    object.metadata.generation = None;
    if let Some(members) = object.data.as_object_mut() {
        members.remove("status");
        members.remove("binaryData");
    }
}

fn resource(kind: &Kind) -> ApiResource {
    let api_version = if kind.group.is_empty() {
        kind.version.to_owned()
    } else {
        format!("{}/{}", kind.group, kind.version)
    };
    ApiResource {
        group: kind.group.to_owned(),
        version: kind.version.to_owned(),
        api_version,
        kind: kind.kind.to_owned(),
        plural: kind.plural.to_owned(),
    }
}

/// An object as a manifest shows it: those of a list do not say what they are.
pub(super) fn value(kind: &Kind, object: &DynamicObject) -> Option<serde_json::Value> {
    let mut value = serde_json::to_value(object).ok()?;
    let resource = resource(kind);
    value["apiVersion"] = resource.api_version.into();
    value["kind"] = resource.kind.into();
    Some(value)
}
