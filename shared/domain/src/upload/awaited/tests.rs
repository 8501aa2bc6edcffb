use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);

fn at(seconds: u64) -> Timestamp {
    NOW + Duration::from_secs(seconds)
}

fn ticket(id: &str, asked: u32) -> Ticket {
    Ticket { id: id.to_owned(), asked }
}

fn done() -> TicketState {
    TicketState::Done("53900000001".to_owned())
}

fn answered(answers: &[(&str, TicketState, u64)]) -> AwaitedTickets {
    let answer = |(id, state, asked_at): &(&str, TicketState, u64)| {
        ((*id).to_owned(), TicketAnswer { state: state.clone(), asked_at: at(*asked_at) })
    };
    AwaitedTickets { answers: answers.iter().map(answer).collect(), ..AwaitedTickets::default() }
}

fn awaited(tickets: &[&str]) -> AwaitedTickets {
    let awaited = tickets.iter().map(|id| ((*id).to_owned(), at(3_600))).collect();
    AwaitedTickets { awaited, ..AwaitedTickets::default() }
}

#[test]
fn what_decides_is_good_whenever_it_was_said_and_pending_for_a_while() {
    // How often it was asked for, the state, how old the answer is, whether it is good.
    let table = [
        (0, done(), 3_000, true),
        (9, TicketState::Failed, 3_000, true),
        (0, TicketState::Pending, 3, true),
        (0, TicketState::Pending, 4, false),
        (1, TicketState::Pending, 5, false),
        (3, TicketState::Pending, 15, true),
        (3, TicketState::Pending, 16, false),
        (9, TicketState::Pending, 30, true),
        (9, TicketState::Pending, 31, false),
        (9, TicketState::Lost, 0, false),
    ];
    for (asked, state, age, is_good) in table {
        let known = answered(&[("1-2", state.clone(), 0)]);
        let expected = is_good.then_some(&state);
        assert_eq!(known.answer(&ticket("1-2", asked), at(age)), expected, "{asked} {state:?} {age}");
        assert_eq!(known.answer(&ticket("1-3", asked), at(age)), None, "of another ticket");
    }
}

#[test]
fn one_question_is_for_all_that_are_awaited_and_not_decided() {
    let known = AwaitedTickets {
        awaited: [("a", 60), ("b", 60), ("c", 60), ("d", 60), ("old", 0)]
            .map(|(id, until)| (id.to_owned(), at(until)))
            .into(),
        ..answered(&[("a", TicketState::Pending, 0), ("b", done(), 0)])
    };
    assert_eq!(known.to_ask(&ticket("c", 0), at(1)), ["c", "d", "a"]);
    assert_eq!(known.to_ask(&ticket("unlisted", 0), at(1)), ["unlisted", "c", "d", "a"]);
    let ids: Vec<String> = (0..MAX_AWAITED).map(|number| format!("{number:03}")).collect();
    let many = awaited(&ids.iter().map(String::as_str).collect::<Vec<_>>());
    let asked = many.to_ask(&ticket("099", 0), NOW);
    assert_eq!((asked.len(), asked[0].as_str()), (MAX_TICKETS, "099"));
}

#[test]
fn answers_are_recorded_where_others_can_use_them() {
    let alone = awaited(&["a"]);
    let own = ["a".to_owned()];
    assert_eq!(alone.after(&own, &[("a".to_owned(), TicketState::Pending)], NOW), None);
    let change = alone.after(&own, &[("a".to_owned(), done())], NOW).unwrap();
    assert_eq!(alone.changed(&change).awaited, [].into(), "it is listed no more");

    let both = awaited(&["a", "b"]);
    let asked = ["a".to_owned(), "b".to_owned()];
    assert_eq!(both.after(&asked, &[], NOW), None, "no answer says nothing");
    let said = [("a", TicketState::Pending), ("b", TicketState::Failed), ("other", done())];
    let said = said.map(|(id, state)| (id.to_owned(), state));
    let after = both.changed(&both.after(&asked, &said, NOW).unwrap());
    assert_eq!(
        after,
        AwaitedTickets {
            awaited: [("a".to_owned(), at(3_600))].into(),
            ..answered(&[("a", TicketState::Pending, 0), ("b", TicketState::Failed, 0)])
        }
    );
    let lost = [("a".to_owned(), done()), ("b".to_owned(), TicketState::Lost)];
    let after = both.changed(&both.after(&asked, &lost, NOW).unwrap());
    assert_eq!((after.awaited.len(), after.answers.len()), (1, 1), "one that is lost is asked for by its own job");

    let known = answered(&[("x", done(), 0), ("y", TicketState::Pending, 0)]);
    let known = AwaitedTickets { awaited: [("z".to_owned(), NOW)].into(), ..known };
    let answers = |seconds| known.after(&own, &[], at(seconds)).unwrap().answers.into_keys().collect::<Vec<_>>();
    assert_eq!((answers(180), answers(181)), (vec!["x".to_owned()], vec![]), "kept for their jobs, and not for ever");
}

proptest! {
    /// However jobs take turns, each hears what Flickr said of its own ticket, and no state that Flickr never said.
    #[test]
    fn a_job_hears_of_its_own_ticket_what_flickr_said(
        turns in prop::collection::vec((0usize..6, 0u64..20, 0u32..5), 1..60),
        done_after in prop::collection::vec(0u64..200, 6),
    ) {
        let id = |number: usize| format!("1-{number}");
        let state = |number: usize, now: Timestamp| {
            let is_done = now >= at(done_after[number]);
            if is_done { TicketState::Done(id(number)) } else { TicketState::Pending }
        };
        let ids: Vec<String> = (0..6).map(id).collect();
        let mut known = awaited(&ids.iter().map(String::as_str).collect::<Vec<_>>());
        let mut now = NOW;
        for (number, passed, asked) in turns {
            now = now + Duration::from_secs(passed);
            let own = ticket(&id(number), asked);
            if let Some(heard) = known.answer(&own, now) {
                match heard {
                    TicketState::Done(photo) => prop_assert!(*photo == own.id && now >= at(done_after[number])),
                    heard => prop_assert_eq!(heard, &TicketState::Pending),
                }
                continue;
            }
            let to_ask = known.to_ask(&own, now);
            prop_assert!(to_ask.contains(&own.id) && to_ask.len() <= MAX_TICKETS);
            let said = |ticket: &String| {
                let number = ids.iter().position(|id| id == ticket).unwrap();
                (ticket.clone(), state(number, now))
            };
            let said: Vec<_> = to_ask.iter().map(said).collect();
            if let Some(change) = known.after(&to_ask, &said, now) {
                known = known.changed(&change);
            }
            prop_assert!(known.answers.len() <= MAX_AWAITED && known.awaited.len() <= 6);
        }
    }
}
