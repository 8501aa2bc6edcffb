use api::{AccountList, DisconnectAnswer, ErrorCode, PageQuery};

use super::{
    examples::{USER, account, text},
    tags::ACCOUNTS,
};
use crate::route::{Answer, Route};

pub(super) fn routes() -> Vec<Route> {
    let list = AccountList { accounts: vec![account()], next_cursor: None };
    let disconnected = DisconnectAnswer { user_id: text(USER), disconnected: true };
    vec![
        Route::get("/v1/accounts", "listAccounts", ACCOUNTS)
            .does("List the connected accounts", "Up to 100 a page.")
            .query::<PageQuery>()
            .answers(Answer::data(200, "A page of accounts", &list)),
        Route::get("/v1/accounts/{user_id}", "getAccount", ACCOUNTS)
            .does("Read a connected account", "")
            .answers(Answer::data(200, "The account", &account()))
            .refuses(&[ErrorCode::AccountNotFound]),
        Route::delete("/v1/accounts/{user_id}", "disconnectAccount", ACCOUNTS)
            .does(
                "Disconnect an account",
                "The account and its token are deleted. Its open jobs fail with `account_disconnected` when they run.",
            )
            .answers(Answer::data(200, "The account was disconnected", &disconnected))
            .refuses(&[ErrorCode::AccountNotFound]),
    ]
}
