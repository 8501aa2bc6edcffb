//! How a stack is deployed, as CloudFormation describes it.

use aws_sdk_cloudformation::types::{Stack, StackStatus};

/// How a stack is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Whether its queues are not received from and its sweep does not run: the parameter `Paused`, once it holds.
    pub is_paused: bool,
    /// Whether its vault table is protected from deletion.
    pub protects_vault: bool,
    /// Its tags, which CloudFormation gives all of its resources.
    pub tags: Vec<(String, String)>,
}

impl Deployment {
    /// What the description says. While the stack is being updated its parameters do not hold yet.
    pub fn of(stack: &Stack) -> Self {
        let holds = matches!(
            stack.stack_status,
            Some(StackStatus::CreateComplete | StackStatus::UpdateComplete | StackStatus::UpdateRollbackComplete)
        );
        let says = |name: &str| {
            let mut parameters = stack.parameters().iter();
            parameters
                .find(|parameter| parameter.parameter_key() == Some(name))
                .and_then(|found| found.parameter_value())
        };
        let tag = |tag: &aws_sdk_cloudformation::types::Tag| Some((tag.key()?.to_owned(), tag.value()?.to_owned()));
        Self {
            is_paused: holds && says("Paused") == Some("true"),
            protects_vault: says("VaultDeletionProtection") != Some("false"),
            tags: stack.tags().iter().filter_map(tag).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::types::{Parameter, Tag};

    use super::*;

    fn deployment(status: StackStatus, parameters: &[(&str, &str)]) -> Deployment {
        let parameter =
            |(name, value): &(&str, &str)| Parameter::builder().parameter_key(*name).parameter_value(*value).build();
        let tag = Tag::builder().key("team").value("photos").build();
        let stack = Stack::builder().stack_status(status).tags(tag);
        Deployment::of(&stack.set_parameters(Some(parameters.iter().map(parameter).collect())).build())
    }

    #[test]
    fn a_stack_is_paused_once_its_deployment_is_complete() {
        for (status, paused, expected) in [
            (StackStatus::UpdateComplete, "true", true),
            (StackStatus::CreateComplete, "true", true),
            (StackStatus::UpdateComplete, "false", false),
            (StackStatus::UpdateInProgress, "true", false),
            (StackStatus::UpdateRollbackInProgress, "true", false),
        ] {
            assert_eq!(deployment(status.clone(), &[("Paused", paused)]).is_paused, expected, "{status:?} {paused}");
        }
        assert!(!deployment(StackStatus::UpdateComplete, &[]).is_paused);
    }

    #[test]
    fn the_vault_is_protected_unless_the_stack_is_to_be_thrown_away() {
        let protects = |parameters: &[(&str, &str)]| deployment(StackStatus::CreateComplete, parameters).protects_vault;
        assert!(protects(&[]) && protects(&[("VaultDeletionProtection", "true")]));
        assert!(!protects(&[("VaultDeletionProtection", "false")]));
        let tags = deployment(StackStatus::CreateComplete, &[]).tags;
        assert_eq!(tags, [("team".to_owned(), "photos".to_owned())]);
    }
}
