//! The door: credentials (401), role (403), rate limit (429), in this order, before anything of a request is read.

use std::net::IpAddr;

use hyper::header::HeaderMap;

use super::access::Access;
use super::auth::authorize;
use super::caller::Caller;
use super::limit::{self, client_address};
use super::problem::Problem;
use super::route::Route;
use super::state::App;
use crate::clock;
use crate::limiter::Verdict;
use crate::types::Role;

/// What came of a request at the door.
pub(super) struct Entered {
    /// Who may go on, or why not.
    pub(super) caller: Result<Caller, Problem>,
    /// What the caller's bucket said, where there is one.
    pub(super) verdict: Option<Verdict>,
}

impl Entered {
    fn refused(problem: Problem) -> Self {
        Self { caller: Err(problem), verdict: None }
    }
}

/// Lets a request in, or not. `peer` is who is at the other end of the connection.
pub(super) async fn enter(app: &App, peer: IpAddr, headers: &HeaderMap, route: &Route<'_>) -> Entered {
    let address = client_address(peer, headers, &app.settings.trusted_proxies);
    let (needed, class) = match Access::of(route) {
        Access::Limited(role, class) => (role, Some(class)),
        Access::Metrics if app.settings.metrics_require_key => (Role::Reader, None),
        Access::Free | Access::Metrics => {
            return Entered { caller: Ok(Caller::unknown(address)), verdict: None };
        }
    };
    let caller = match app.auth.identify(headers, address, clock::now()).await {
        Ok(caller) => caller,
        Err(problem) => return Entered::refused(problem),
    };
    if let Err(problem) = authorize(&caller, needed) {
        return Entered::refused(problem);
    }
    let Some(class) = class else { return Entered { caller: Ok(caller), verdict: None } };
    let verdict = app.limiter.take(&caller, class).await;
    match verdict.as_ref().and_then(limit::refusal) {
        Some(problem) => Entered { caller: Err(problem), verdict },
        None => Entered { caller: Ok(caller), verdict },
    }
}
