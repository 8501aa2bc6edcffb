//! What CloudFormation says of a stack.

use std::collections::HashMap;

use aws_sdk_cloudformation::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    operation::describe_stacks::DescribeStacksError,
    types::StackResourceSummary,
};
use aws_types::SdkConfig;
use domain::tenant::{InvalidOrigin, Origins};
use hub::chain;

/// A stack as it is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployedStack {
    /// Its state, such as `UPDATE_COMPLETE`.
    pub status: String,
    /// What its template says of it, by name.
    pub outputs: HashMap<String, String>,
    /// What it was deployed with, by name.
    pub parameters: HashMap<String, String>,
    /// Its tags, which CloudFormation gives all of its resources.
    pub tags: Vec<(String, String)>,
}

/// The states in which a stack's parameters hold.
const SETTLED: [&str; 3] = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"];

impl DeployedStack {
    /// Whether its queues are not received from and its sweep does not run: the parameter `Paused`, once it holds. While
    /// the stack is being updated it does not yet.
    pub fn is_paused(&self) -> bool {
        SETTLED.contains(&self.status.as_str()) && self.says("Paused") == Some("true")
    }

    /// Whether its vault table is protected from deletion.
    pub fn protects_vault(&self) -> bool {
        self.says("VaultDeletionProtection") != Some("false")
    }

    /// The origins of the web pages that it lets use its API.
    ///
    /// # Errors
    /// When one of them is none.
    pub fn allowed_origins(&self) -> Result<Origins, InvalidOrigin> {
        let listed = self.says("AllowedOrigins").unwrap_or_default().split(',').map(str::trim);
        Origins::parse(listed.filter(|origin| !origin.is_empty()))
    }

    fn says(&self, parameter: &str) -> Option<&str> {
        self.parameters.get(parameter).map(String::as_str)
    }
}

/// Something that a stack made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its name in the template.
    pub logical_id: String,
    /// Its name, id, URL or ARN at AWS, depending on its kind.
    pub physical_id: String,
    /// What it is, such as `AWS::SQS::Queue`.
    pub kind: String,
}

/// Why a stack is not described.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such stack in this region.
    #[error("there is no stack `{stack}` in the region {region}")]
    NotFound {
        /// Its name.
        stack: String,
        /// Where it was looked for.
        region: String,
    },
    /// CloudFormation did not describe the stack.
    #[error("the stack `{stack}` could not be described")]
    NotDescribed {
        /// Its name.
        stack: String,
        /// Why.
        #[source]
        source: Box<SdkError<DescribeStacksError>>,
    },
}

/// Describes the stack with this name.
///
/// # Errors
/// When there is no such stack, or CloudFormation does not answer.
pub async fn describe(config: &SdkConfig, stack: &str) -> Result<DeployedStack, Error> {
    let not_found = || Error::NotFound {
        stack: stack.to_owned(),
        region: config.region().map(ToString::to_string).unwrap_or_default(),
    };
    let described = match Client::new(config).describe_stacks().stack_name(stack).send().await {
        Ok(described) => described,
        Err(error) if is_not_found(&error) => return Err(not_found()),
        Err(error) => return Err(Error::NotDescribed { stack: stack.to_owned(), source: Box::new(error) }),
    };
    let found = described.stacks.unwrap_or_default().into_iter().next().ok_or_else(not_found)?;
    let outputs = found.outputs.unwrap_or_default().into_iter();
    let parameters = found.parameters.unwrap_or_default().into_iter();
    let tags = found.tags.unwrap_or_default().into_iter();
    Ok(DeployedStack {
        status: found.stack_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        outputs: outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect(),
        parameters: parameters
            .filter_map(|parameter| Some((parameter.parameter_key?, parameter.parameter_value?)))
            .collect(),
        tags: tags.filter_map(|tag| Some((tag.key?, tag.value?))).collect(),
    })
}

/// Everything that the stack with this name made.
///
/// # Errors
/// Why CloudFormation does not say so, for people.
pub async fn resources(config: &SdkConfig, stack: &str) -> Result<Vec<Resource>, String> {
    let mut pages = Client::new(config).list_stack_resources().stack_name(stack).into_paginator().send();
    let mut resources = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| chain(&error))?;
        resources.extend(page.stack_resource_summaries.unwrap_or_default().into_iter().filter_map(resource));
    }
    Ok(resources)
}

/// One of them; none of what was never made.
fn resource(summary: StackResourceSummary) -> Option<Resource> {
    Some(Resource {
        logical_id: summary.logical_resource_id?,
        physical_id: summary.physical_resource_id.filter(|id| !id.is_empty())?,
        kind: summary.resource_type?,
    })
}

/// Whether CloudFormation knows no stack of that name: it says so by the code of any bad request.
fn is_not_found(error: &SdkError<DescribeStacksError>) -> bool {
    error.code() == Some("ValidationError") && error.message().is_some_and(|text| text.contains("does not exist"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployed_stack(status: &str, parameters: &[(&str, &str)]) -> DeployedStack {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        DeployedStack {
            status: status.to_owned(),
            outputs: HashMap::new(),
            parameters: parameters.collect(),
            tags: Vec::new(),
        }
    }

    #[test]
    fn a_stack_is_paused_once_its_deployment_is_complete() {
        for (status, paused, expected) in [
            ("UPDATE_COMPLETE", "true", true),
            ("CREATE_COMPLETE", "true", true),
            ("UPDATE_COMPLETE", "false", false),
            ("UPDATE_IN_PROGRESS", "true", false),
            ("UPDATE_ROLLBACK_IN_PROGRESS", "true", false),
        ] {
            assert_eq!(deployed_stack(status, &[("Paused", paused)]).is_paused(), expected, "{status} {paused}");
        }
        assert!(!deployed_stack("UPDATE_COMPLETE", &[]).is_paused());
    }

    #[test]
    fn the_vault_is_protected_unless_the_stack_is_to_be_thrown_away() {
        let protects = |parameters: &[(&str, &str)]| deployed_stack("CREATE_COMPLETE", parameters).protects_vault();
        assert!(protects(&[]) && protects(&[("VaultDeletionProtection", "true")]));
        assert!(!protects(&[("VaultDeletionProtection", "false")]));
    }
    #[test]
    fn a_stack_names_the_origins_that_it_allows() {
        let origins = |list| deployed_stack("UPDATE_COMPLETE", &[("AllowedOrigins", list)]).allowed_origins();
        assert_eq!(origins(""), Ok(Origins::default()));
        let both = Origins::parse(["https://a.example", "https://b.example"]);
        assert_eq!(origins(" https://a.example , https://b.example"), both);
        assert_eq!(deployed_stack("UPDATE_COMPLETE", &[]).allowed_origins(), Ok(Origins::default()));
    }
}
