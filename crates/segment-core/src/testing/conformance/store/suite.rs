//! The list of the suite, as tests.

/// Makes a `#[tokio::test]` of each function of [`store`](crate::testing::conformance::store). Its argument is the path of
/// an `async fn() -> impl Deref<Target = impl RequestStore>` that makes an empty store. After `optional` it gives an `Option`,
/// which is empty, after a loud line, where the database that it needs is not there.
#[macro_export]
macro_rules! request_store_conformance {
    (optional $fresh:path) => {
        $crate::request_store_conformance! { @rules $fresh, |fresh| fresh }
    };
    ($fresh:path) => {
        $crate::request_store_conformance! { @rules $fresh, |fresh| Some(fresh) }
    };
    (@rules $fresh:path, $found:expr) => {
        $crate::request_store_conformance! { @each $fresh, $found;
            a_new_request_is_recorded_whole
            staging_keys_differ_between_requests
            an_external_id_is_linked_for_ever
            an_external_id_for_something_else_is_a_conflict
            an_open_request_for_the_same_is_linked
            a_request_that_is_over_is_not_linked
            a_new_external_id_is_a_new_request
            requests_of_one_call_see_each_other
            thousands_of_one_call_see_each_other
            intake_is_all_or_nothing
            unknown_ids_are_not_found
            what_belongs_together_is_taken_together
            the_earliest_deadline_is_claimed_first
            what_is_held_is_not_claimed_again
            a_lease_that_is_over_is_claimed_again
            a_claim_begins_the_request
            nothing_is_claimed_before_its_time
            only_the_scope_is_claimed
            only_open_requests_are_claimed
            an_erasure_waits_for_an_earlier_access
            an_erasure_waits_until_the_access_is_over
            what_came_in_the_same_moment_waits_too
            nothing_else_waits
            a_step_gives_the_lease_back
            claims_without_a_step_are_counted
            a_lease_that_nobody_took_is_still_good
            an_extended_lease_keeps_others_out
            a_stale_lease_of_a_request_is_refused
            a_stale_lease_of_a_regulation_is_refused
            a_decision_takes_the_lease_away
            a_lease_is_for_its_subject
            a_lease_on_nothing_is_stale
            a_regulation_is_one_workers_at_a_time
            a_saved_task_is_read_back
            a_package_stays
            a_task_that_is_not_the_requests_is_refused
            a_step_does_not_choose_the_regulation
            nothing_waits_without_user_ids_and_a_type
            a_step_says_when_to_go_on
            the_status_follows_from_the_tasks
            completion_has_its_time
            the_log_keeps_its_order
            the_backlog_counts_what_waits
            a_backlog_knows_until_when_segment_asked_to_wait
            a_backlog_knows_whether_it_can_grow
            an_intent_is_recorded_whole
            a_batch_closes_before_the_person_who_does_not_fit
            a_batch_stays_within_its_bytes
            a_shared_user_id_is_sent_once
            without_anybody_there_is_no_intent
            an_intent_keeps_its_source
            an_intent_has_an_id_of_its_own
            who_exceeds_the_batch_goes_alone
            the_months_quota_is_kept
            a_reserve_is_for_who_cannot_wait
            a_refused_batch_is_halved
            a_part_without_room_keeps_back_nobody
            a_task_can_be_in_two_regulations
            an_accepted_regulation_is_tracked
            a_regulation_whose_sender_is_gone_is_unknown
            a_regulation_whose_searcher_is_gone_is_found_again
            a_step_of_a_regulation_is_read_back
            the_first_absence_is_noted
            a_refused_step_writes_nothing
            an_id_of_segments_belongs_to_one_intent
            known_ids_are_known_per_connection
            regulations_are_claimed_when_due
            a_closed_attempt_is_over
            what_happens_to_all_happens_to_everybody
            a_note_speaks_for_its_person
            findings_add_up
            a_request_is_verified_with_its_last_task
            another_regulation_is_verified_anew
            a_settled_task_stays_as_it_is
            a_step_can_leave_everybody_alone
            what_was_lost_is_counted_by_person
            approval_opens_a_request
            a_denial_says_why
            cancel_stops_what_has_not_left
            cancel_does_not_stop_what_has_left
            a_halted_task_can_be_settled
            only_a_halted_task_can_be_settled
            settling_lets_the_others_go_on
            a_deadline_is_lengthened_once
            what_is_over_is_not_lengthened
            a_refused_decision_takes_no_lease
            a_decision_leaves_the_regulation_to_its_sender
            a_retry_begins_anew_what_was_not_sent
            a_retry_sends_a_refused_one_anew
            a_retry_alone_is_sent_with_nobody_else
            a_retry_alone_is_not_forgotten_meanwhile
            a_retry_looks_again_for_a_lost_one
            a_retry_goes_on_with_the_regulation_that_exists
            a_retry_takes_along_only_who_goes_on_with_it
            a_retry_leaves_the_rest_alone
            a_retried_access_is_collected_as_a_whole
            a_retry_goes_on_with_every_halted_task
            a_retry_does_not_disturb_a_regulation_that_is_followed
            rows_are_masked_when_everything_is_accepted
            rows_of_somebody_unknown_are_masked_at_once
            a_masking_that_is_tried_again_keeps_its_time
            what_is_halted_keeps_rows_from_being_masked
            rows_that_wait_do_not_hide_an_error
            a_dataset_that_needs_a_human_keeps_the_others_waiting
            a_masking_that_may_be_committed_is_not_canceled
            a_task_is_saved_within_a_step
            members_say_whether_rows_are_masked
            holds_are_read_back
            a_hold_has_an_id_of_its_own
            a_lifted_hold_stays_as_a_fact
            members_say_what_was_given
            members_say_what_was_found_elsewhere
            a_batch_is_of_one_source
            identities_are_due_after_their_time
            a_package_is_due_once
            the_time_begins_after_the_last_look
            what_is_destroyed_is_gone_and_the_rest_stays
            counts_of_masked_rows_outlive_whose_they_were
            the_same_is_recognised_until_it_is_forgotten
            what_is_destroyed_is_not_retried
            a_package_made_anew_is_due_again
            who_is_left_in_a_regulation_goes_on
            lifted_holds_go
            a_note_stands_in_the_log
            requests_are_listed_newest_first
            lists_have_pages
            requests_are_searched
            standings_are_counted
            a_line_agrees_with_its_request
            requests_are_filtered
            overdue_requests_are_those_still_owed
            regulations_are_listed_and_found
            what_was_or_may_have_been_sent_is_counted
            what_was_accepted_stays_counted
            the_count_is_of_a_connection_a_category_and_a_time
            the_next_due_moment_is_the_earliest
            nothing_is_planned_for_what_is_over
            requests_are_counted
            a_log_is_kept_as_chains
        }
    };
    (@each $fresh:path, $found:expr; $($rule:ident)+) => {
        $(
            #[tokio::test]
            async fn $rule() {
                let found = $found;
                if let Some(store) = found($fresh().await) {
                    $crate::testing::conformance::store::$rule(&*store).await;
                }
            }
        )+
    };
}
