import CKA
import Support

extension Comparison {
  /// How an estimate over all examples is made within the team's memory; nil for minibatches, whose memory is
  /// checked where the user limits it.
  ///
  /// - Parameters:
  ///   - isLimited: whether the user gave the limit.
  ///   - isMeasured: whether rates are measured in any case.
  /// - Throws: where it cannot be made within the limit.
  package func plan(
    on team: DeviceTeam, isLimited: Bool, isMeasured: Bool = false
  ) throws -> FullBatchPlan? {
    let work = "\(estimator.name) CKA of these layers"
    let alternative: String? =
      if case .minibatch = estimator { "a smaller --batch-size" } else { nil }
    do throws(FullBatchPlanError) {
      if let plan = try fullBatchPlan(on: team, isMeasured: isMeasured) { return plan }
    } catch {
      switch error {
      case .device(let error): throw error
      case .tooLittleMemory(let shortage):
        throw Failure(shortage, isGiven: isLimited, for: work, or: alternative)
      }
    }
    guard isLimited else { return nil }
    let needed = memoryOfMinibatches(on: team)
    try team.checkMemory(isLimited: true, for: work, or: alternative) { _ in needed }
    return nil
  }
}
