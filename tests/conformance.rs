//! The same stories over both clouds: what an uploader promises holds wherever
//! it uploads to.

#![cfg(not(target_arch = "wasm32"))]

mod common;

use common::MB;
use common::vendors::{FILE, Fault, Vendor, World};
use vodupload::{Event, Input};

use Vendor::{Aliyun, Tencent};

/// A story of a file of `size` bytes, told to both clouds.
fn both(size: u64, story: impl Fn(&mut World)) {
    for vendor in [Aliyun, Tencent] {
        let mut world = World::new(vendor, size, 7);
        story(&mut world);
    }
}

#[test]
fn a_small_file_is_one_request() {
    both(1_000, |world| {
        world.begin();
        world.run();
        world.assert_done();
        assert_eq!((world.count("put"), world.count("initiate")), (1, 0));
    });
}

#[test]
fn a_large_file_goes_in_parts_each_once() {
    both(10 * MB + 5, |world| {
        world.begin();
        world.run();
        world.assert_done();
        assert_eq!(
            [world.count("initiate"), world.count("part"), world.count("complete")],
            [1, 11, 1]
        );
    });
}

#[test]
fn a_credential_that_ends_is_renewed_and_no_stored_part_is_sent_again() {
    both(10 * MB, |world| {
        world.begin();
        world.run_until(|world| world.parts() == 4);
        world.cloud.token = None;
        world.run();
        world.assert_done();
        assert_eq!((world.count("initiate"), world.count("part")), (1, 10));
    });
}

#[test]
fn what_was_done_though_nobody_was_told_is_no_failure() {
    for call in ["put", "apply", "commit"] {
        both(1_000, |world| {
            world.fault(call, 1, Fault::LostReply);
            world.begin();
            world.run();
            world.assert_done();
        });
    }
    for call in ["initiate", "part 3", "complete"] {
        both(5 * MB, |world| {
            world.fault(call, 1, Fault::LostReply);
            world.begin();
            world.run();
            world.assert_done();
        });
    }
}

#[test]
fn an_error_that_comes_with_the_status_200_is_none_the_less_one() {
    both(5 * MB, |world| {
        world.fault("complete", 1, Fault::LateError);
        world.begin();
        world.run();
        world.assert_done();
        assert_eq!(world.count("complete"), 1);
    });
}

#[test]
fn a_reload_goes_on_with_the_parts_that_are_stored() {
    both(10 * MB, |world| {
        world.begin();
        world.run_until(|world| world.parts() == 5);
        world.reload();
        world.run();
        world.assert_done();
        assert_eq!((world.count("initiate"), world.count("part")), (1, 10));
    });
}

#[test]
fn an_upload_that_the_storage_dropped_begins_anew() {
    both(5 * MB, |world| {
        world.fault("part 4", 1, Fault::Dropped);
        world.begin();
        world.run();
        world.assert_done();
        assert_eq!(world.count("initiate"), 2);
    });
}

#[test]
fn what_is_forbidden_fails_once_with_its_code_and_request() {
    both(5 * MB, |world| {
        world.fault("initiate", 9, Fault::Forbidden);
        world.begin();
        world.run();
        let error = world.events.iter().find_map(|event| match event {
            Event::Failed { error, .. } => Some(error),
            _ => None,
        });
        let error = error.expect("a failure");
        assert_eq!(
            (&*error.code, error.status, error.request_id.as_deref()),
            ("AccessDenied", Some(403), Some("R1"))
        );
        assert_eq!(world.cloud.object, None);
    });
}

#[test]
fn a_stop_keeps_what_is_stored_and_a_start_goes_on() {
    both(10 * MB, |world| {
        world.begin();
        world.run_until(|world| world.parts() == 5);
        world.give(Input::Stop);
        assert!(world.open.is_empty());
        world.give(Input::Start);
        world.run();
        world.assert_done();
        assert_eq!((world.count("initiate"), world.count("part")), (1, 10));
    });
}

#[test]
fn a_cancelled_file_leaves_nothing() {
    both(10 * MB, |world| {
        world.begin();
        world.run_until(|world| world.parts() == 5);
        world.give(Input::Cancel(FILE));
        world.run();
        assert!(world.cloud.uploads.is_empty() && world.cloud.object.is_none());
        assert_eq!(world.storage, None);
    });
}

#[test]
fn whatever_fails_by_chance_the_object_is_the_file_and_the_end_is_told_once() {
    for seed in 0..400 {
        for vendor in [Aliyun, Tencent] {
            let mut world = World::new(vendor, 1 + seed * 53_777, seed);
            world.chance = 0.15;
            world.begin();
            if seed % 3 == 0 {
                world.run_until(|world| world.parts() == 2 || world.cloud.object.is_some());
                world.reload();
            }
            world.run();
            world.assert_done();
        }
    }
}
