//! What the roles of the template allow. The local stack does not ask for rights, so they are read here.

use crate::template::{TEMPLATE, resource};

/// One statement of a role's policy.
struct Statement {
    role: &'static str,
    sid: &'static str,
    lines: Vec<&'static str>,
}

impl Statement {
    /// The value of a line, such as that of `Resource`; nothing where it goes on over several lines.
    fn value(&self, name: &str) -> &'static str {
        let start = format!("{name}: ");
        self.lines.iter().find_map(|line| line.strip_prefix(&start)).unwrap_or_default()
    }

    /// The actions that it allows: of one line, or of one line each.
    fn actions(&self) -> Vec<&'static str> {
        let one_line = self.value("Action").trim_matches(['[', ']']).split(", ");
        let lines = self.lines.iter().skip_while(|line| **line != "Action:").skip(1);
        let lines = lines.map_while(|line| line.strip_prefix("- "));
        one_line.filter(|action| !action.is_empty()).chain(lines).collect()
    }

    fn is_of(&self, resource: &str) -> bool {
        self.lines.iter().any(|line| line.contains(resource))
    }
}

/// The statements of all functions' roles.
fn statements() -> Vec<Statement> {
    let resources = TEMPLATE.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    let is_functions = |name: &&str| name.strip_suffix("Role").is_some_and(|name| !function(name).is_empty());
    let mut statements: Vec<Statement> = Vec::new();
    for role in resources.filter(is_functions) {
        for line in resource(role) {
            if let Some(sid) = line.strip_prefix("- Sid: ") {
                statements.push(Statement { role, sid, lines: Vec::new() });
            } else if let Some(statement) = statements.last_mut().filter(|statement| statement.role == role) {
                statement.lines.push(line);
            }
        }
    }
    statements
}

/// The lines of the function of this name.
fn function(name: &str) -> Vec<&'static str> {
    resource(&format!("{name}Function"))
}

/// The statements that allow one of these actions, by role and name.
fn who_may(actions: &[&str]) -> Vec<(&'static str, &'static str)> {
    let may = |statement: &Statement| statement.actions().iter().any(|action| actions.contains(action));
    statements().into_iter().filter(may).map(|statement| (statement.role, statement.sid)).collect()
}

#[test]
fn every_role_names_its_actions_and_its_resources() {
    let statements = statements();
    let mut roles: Vec<_> = statements.iter().map(|statement| statement.role).collect();
    roles.dedup();
    let known = ["OauthRole", "EnqueueRole", "StatusRole", "WorkerRole", "SweepRole", "DlqReplayRole"];
    assert_eq!(roles, known, "one that is new is to be named here and in docs/security.md");
    for statement in &statements {
        let Statement { role, sid, .. } = statement;
        assert_eq!(statement.value("Effect"), "Allow", "{role} {sid}");
        assert!(!statement.actions().is_empty(), "{role} {sid}");
        assert!(statement.actions().iter().all(|action| !action.contains('*')), "{role} {sid}");
        let is_anything = statement.value("Resource").trim_matches('"') == "*";
        assert!(!is_anything || *sid == "WriteTraces", "{role} {sid}");
    }
}

/// A row of the vault table whose key begins with `KEY#` says which tenant a caller is. Each action is of one item, so
/// that it always has a leading key: of a request without one, `ForAllValues` would hold.
#[test]
fn no_function_may_write_the_row_of_an_api_key() {
    const READS: [&str; 3] = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"];
    const WRITES: [&str; 3] = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"];
    let mut writers = Vec::new();
    for statement in statements().iter().filter(|statement| statement.is_of("VaultTable")) {
        let Statement { role, sid, lines } = statement;
        let written: Vec<_> = statement.actions().into_iter().filter(|action| !READS.contains(action)).collect();
        if written.is_empty() {
            continue;
        }
        assert!(written.iter().all(|action| WRITES.contains(action)), "{role} {sid}: {written:?}");
        assert_eq!(statement.value("Resource"), "!GetAtt VaultTable.Arn", "{role} {sid}");
        let expected = ["Condition:", r#"ForAllValues:StringLike: {dynamodb:LeadingKeys: "ten_*"}"#];
        assert_eq!(lines[lines.len() - 2..], expected, "{role} {sid}");
        writers.push((*role, *sid));
    }
    assert_eq!(writers, [("OauthRole", "StoreAppsAndAccounts"), ("WorkerRole", "MarkAccount")]);
}

/// Who serves requests finds their tenants by hashes of API keys; `oauth` also names Flickr apps by it. An operator
/// alone writes the secret.
#[test]
fn who_recognises_api_keys_reads_the_hash_secret_and_nobody_else() {
    let readers = who_may(&["secretsmanager:GetSecretValue"]);
    let expected = ["OauthRole", "EnqueueRole", "StatusRole", "DlqReplayRole"].map(|role| (role, "HashApiKeys"));
    assert_eq!(readers, expected);
    for statement in statements() {
        let is_other =
            |action: &&str| action.starts_with("secretsmanager:") && *action != "secretsmanager:GetSecretValue";
        assert!(!statement.actions().iter().any(is_other), "{} {}", statement.role, statement.sid);
        let serves = function(statement.role.trim_end_matches("Role")).contains(&"Type: Api");
        assert_eq!(serves, readers.iter().any(|(role, _)| *role == statement.role), "{}", statement.role);
    }
}

#[test]
fn the_worker_alone_opens_tokens_and_cannot_make_one() {
    let opens = |statement: &Statement| {
        let purposes = statement.lines.iter().find_map(|line| line.strip_prefix("StringEquals: "));
        statement.actions().contains(&"kms:Decrypt") && purposes.is_none_or(|purposes| purposes.contains("user-token"))
    };
    let openers: Vec<_> = statements().into_iter().filter(opens).map(|statement| statement.role).collect();
    assert_eq!(openers, ["WorkerRole"]);
    let makers = who_may(&["kms:GenerateDataKey"]);
    assert_eq!(makers, [("OauthRole", "SealTokensAndLogins"), ("OauthRole", "SealAndOpenAppSecrets")]);
}

/// A budget is read and updated, and nothing else is done with it.
#[test]
fn who_spends_budgets_may_read_and_update_them() {
    let statements = statements();
    let spending: Vec<_> = statements.iter().filter(|statement| statement.sid == "SpendBudgets").collect();
    assert_eq!(spending.iter().map(|statement| statement.role).collect::<Vec<_>>(), ["OauthRole", "WorkerRole"]);
    for statement in spending {
        let expected = [
            "Effect: Allow",
            "Action: [dynamodb:GetItem, dynamodb:UpdateItem]",
            "Resource: !GetAtt RuntimeTable.Arn",
            "Condition:",
            r#"ForAllValues:StringLike: {dynamodb:LeadingKeys: "BUDGET#*"}"#,
        ];
        assert_eq!(statement.lines, expected, "{}", statement.role);
    }
}
