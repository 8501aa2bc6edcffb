//! The operations of the ports, as the fakes record them.

/// One call of a port: each variant is named like its operation. The clock and randomness are not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    // Accounts
    SaveAccount,
    AddAccount,
    Account,
    Accounts,
    RemoveAccount,
    MarkReconnectNeeded,
    SetCircuit,
    // Apps
    SaveApp,
    App,
    Apps,
    // AuditLog
    AppendToAuditLog,
    // Budgets
    Budget,
    ChangeBudget,
    GiveBack,
    // DeadJobs
    DeadJobs,
    DiscardDeadJob,
    Quarantine,
    // FairQueues
    BudgetAndQueue,
    SubmitContext,
    TakeTenantTag,
    ReturnTenantTag,
    TakeTag,
    ReturnTag,
    JoinQueue,
    FirstInQueue,
    FairQueues,
    Unlist,
    Reserve,
    RecordDispatch,
    // FormerRecords
    FormerRecords,
    Migrate,
    // Health
    Probe,
    // JobCounts
    CountJob,
    JobCounts,
    DiscountJob,
    // JobHistory
    AcceptedJobs,
    ReadJobs,
    // Jobs
    Insert,
    Job,
    State,
    Claim,
    Commit,
    DueChecks,
    PostponeCheck,
    OpenAndDeadJobs,
    // KeyUses
    NoteKeyUse,
    KeyUses,
    // Logins
    SaveLogin,
    Login,
    TakeLogin,
    // Messages
    Send,
    // Nonces
    UseNonce,
    // PendingJobs
    CountPending,
    DiscountPending,
    PendingJobs,
    // ResponseCache
    LookUp,
    SetEntry,
    Invalidate,
    RecordStats,
    Stats,
    // Results
    PutResult,
    Result,
    PutResultObject,
    ResultObject,
    ResultObjectUrl,
    // SealedRecords
    SealedRecords,
    ReplaceSealed,
    // SigningSecrets
    SaveSigningSecret,
    SigningSecret,
    RemoveSigningSecret,
    // StoredBytes
    CountBytes,
    DiscountBytes,
    StoredBytes,
    // Sweeps
    BeginSweep,
    // Tenants
    CreateTenant,
    CreateKey,
    KeyHolder,
    StoredKey,
    KeyOfId,
    KeysOf,
    MoveKey,
    SetRequestSigning,
    ChangeKey,
    Tenant,
    ChangeTenant,
    KeysByVersion,
    Tenants,
    // UploadTickets
    AwaitTicket,
    AwaitedTickets,
    RecordTickets,
    // Uploads
    CreateUpload,
    Upload,
    UploadUrl,
    BeginMultipart,
    PartUrl,
    StoredParts,
    CompleteMultipart,
    StoreFile,
    StoredFile,
    ReadFile,
    PinFile,
    SetSha256,
    RemoveUpload,
    NotePhoto,
    IsNotedPhoto,
    AcquireUploadLock,
}
