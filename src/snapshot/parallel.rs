//! Work on items that come and go in order, done on several threads.
//!
//! Each thread has its own two channels and gets every n-th item, so the order needs no bookkeeping;
//! at most two items per thread are under way.

use std::sync::mpsc::sync_channel;
use std::thread;

/// Threads for work that is worth more than one: as many as there are cores, four at most.
pub(super) fn threads() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// Takes items from `next`, works on them on so many threads (0: on this one) and hands what comes of
/// them to `take`, in order. Ends with the first error.
pub(super) fn in_order<I: Send, O: Send, E: Send>(
    threads: usize,
    mut next: impl FnMut() -> Option<Result<I, E>>,
    work: impl Fn(I) -> Result<O, E> + Sync,
    mut take: impl FnMut(O) -> Result<(), E>,
) -> Result<(), E> {
    if threads == 0 {
        while let Some(item) = next() {
            take(work(item?)?)?;
        }
        return Ok(());
    }
    let work = &work;
    thread::scope(|scope| {
        let start = |_| {
            let (give, items) = sync_channel::<I>(1);
            let (results, receive) = sync_channel(1);
            scope.spawn(move || {
                // Either channel ends when the other side has seen an error, or has all it wants.
                while let Ok(item) = items.recv() {
                    if results.send(work(item)).is_err() {
                        break;
                    }
                }
            });
            (give, receive)
        };
        let workers: Vec<_> = (0..threads).map(start).collect();
        let (mut given, mut taken) = (0, 0);
        let mut ended = false;
        loop {
            while !ended && given - taken < 2 * threads {
                let Some(item) = next() else {
                    ended = true;
                    break;
                };
                workers[given % threads].0.send(item?).expect("a worker outlives its channels");
                given += 1;
            }
            if taken == given {
                return Ok(());
            }
            take(workers[taken % threads].1.recv().expect("a worker answers each item")?)?;
            taken += 1;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(threads: usize, bad_item: u32, bad_work: u32, bad_take: u32) -> (Vec<u32>, Result<(), u32>) {
        let mut items = 0..100u32;
        let mut taken = Vec::new();
        let result = in_order(
            threads,
            || items.next().map(|item| if item == bad_item { Err(item) } else { Ok(item) }),
            |item| if item == bad_work { Err(item) } else { Ok(item * item) },
            |square| {
                if square == bad_take * bad_take {
                    return Err(square);
                }
                taken.push(square);
                Ok(())
            },
        );
        (taken, result)
    }

    #[test]
    fn results_come_in_order_until_the_first_error() {
        for threads in [0, 1, 2, 3] {
            let all: Vec<u32> = (0..100).map(|item| item * item).collect();
            assert_eq!(squares(threads, 200, 200, 200), (all.clone(), Ok(())));
            assert_eq!(squares(threads, 200, 50, 200), (all[..50].to_vec(), Err(50)));
            assert_eq!(squares(threads, 200, 200, 7), (all[..7].to_vec(), Err(49)));
            assert_eq!(squares(threads, 90, 200, 200).1, Err(90));
        }
    }
}
