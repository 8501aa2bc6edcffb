//! The workers: they make each call when it comes due, so that budgets are as sweeps expect them.

use std::collections::BTreeMap;

use domain::{
    AppId, JobRef, Timestamp, UserId,
    budget::{HostClass, Limit},
};
use hub::ports::{BudgetKey, Clock};

use crate::{build, fakes::World};

/// The calls that were dispatched, and those that were made.
pub(super) struct Workers {
    limit: Limit,
    apps: Vec<AppId>,
    by_user: BTreeMap<UserId, usize>,
    /// The calls to come: when, for which job, of which app.
    to_come: BTreeMap<(Timestamp, JobRef), usize>,
    /// The apps of the jobs that were dispatched since they were last taken.
    dispatched: Vec<usize>,
    /// How many jobs have ended since.
    ended: usize,
    /// The calls that each app has made.
    made: Vec<usize>,
    /// Calls that the budget did not have when they came due.
    pub(super) over_budget: usize,
}

impl Workers {
    pub(super) fn new(limit: Limit) -> Self {
        Self {
            limit,
            apps: Vec::new(),
            by_user: BTreeMap::new(),
            to_come: BTreeMap::new(),
            dispatched: Vec::new(),
            ended: 0,
            made: Vec::new(),
            over_budget: 0,
        }
    }

    /// One more app, with its only account.
    pub(super) fn begin(&mut self, user: &UserId, app: &AppId) {
        self.by_user.insert(user.clone(), self.apps.len());
        self.apps.push(app.clone());
        self.made.push(0);
    }

    /// Receives what was sent, and makes the calls that have come due.
    pub(super) fn work(&mut self, world: &World) {
        for message in world.take_queue() {
            if let Some(app) = self.by_user.get(&message.dispatch.user) {
                self.to_come.insert((message.visible_at, message.dispatch.job_ref()), *app);
                self.dispatched.push(*app);
            }
        }
        let now = world.now();
        let mut due: BTreeMap<usize, u32> = BTreeMap::new();
        while let Some(call) = self.to_come.first_entry().filter(|call| call.key().0 <= now) {
            let ((_, job), app) = call.remove_entry();
            *due.entry(app).or_default() += 1;
            world.forget_job(&job);
            self.ended += 1;
        }
        for (app, calls) in due {
            self.made[app] += calls as usize;
            world.set_budget(&BudgetKey::App(self.apps[app].clone()), |budget| {
                let there = calls.min(budget.status(&self.limit, HostClass::Rest, now).remaining_calls);
                self.over_budget += (calls - there) as usize;
                build::after_calls(budget, &self.limit, HostClass::Rest, there, now)
            });
        }
    }

    /// Takes the apps of the jobs that were dispatched, and the number of those that have ended, since last asked.
    pub(super) fn take(&mut self) -> (Vec<usize>, usize) {
        (std::mem::take(&mut self.dispatched), std::mem::take(&mut self.ended))
    }

    /// Forgets the calls that were made.
    pub(super) fn forget(&mut self) {
        self.made.fill(0);
    }

    /// The calls of all apps.
    pub(super) fn all_calls(&self) -> usize {
        self.made.iter().sum()
    }

    /// The calls of the app that has made the fewest, and of that which has made the most.
    pub(super) fn calls(&self) -> (usize, usize) {
        let of = |most: Option<&usize>| most.copied().unwrap_or_default();
        (of(self.made.iter().min()), of(self.made.iter().max()))
    }
}
