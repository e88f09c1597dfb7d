//! Questions that look at the whole graph, many at a time.

use std::{io, thread};

use crate::support::{Connection, Server};

const EXPENSIVE: [&str; 6] = [
    "/api/v1/services/hub/dependencies?depth=10&max_nodes=1000000",
    "/api/v1/services/hub/impact?depth=100",
    "/api/v1/services/caller-00000/dependencies?depth=10&direction=both&max_nodes=1000000",
    "/api/v1/paths?from=caller-00000&to=caller-29999&max_paths=100",
    "/api/v1/graph/critical?limit=100",
    "/api/v1/services?q=caller-2&limit=100",
];

/// Sixty-four at once, each either answered or told why not; they leave the threads that answer the others.
pub(super) fn expensive(server: &Server, factor: usize) -> usize {
    let address = server.address();
    // Takes the answer without looking at it: sixty-four clients that read JSON would be the load.
    let ask = |number: usize| {
        let target = EXPENSIVE[number % EXPENSIVE.len()];
        let mut connection = Connection::open(address).unwrap();
        connection.send("GET", target, &[("connection", "close")], &[]).unwrap();
        let status = connection.head().unwrap().status;
        io::copy(&mut connection.socket(), &mut io::sink()).unwrap();
        (target, status)
    };
    let mut answered = 0;
    for _ in 0..factor {
        thread::scope(|scope| {
            let threads: Vec<_> = (0..64).map(|number| scope.spawn(move || ask(number))).collect();
            for thread in threads {
                let (target, status) = thread.join().unwrap();
                assert!(matches!(status, 200 | 422 | 503), "{target}: {status}");
                answered += usize::from(status == 200);
            }
        });
    }
    assert!(answered >= 16 * factor, "{answered} of {}", 64 * factor);
    64 * factor
}
