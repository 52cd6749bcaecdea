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
    do throws(FullBatchPlanError) {
      if let plan = try fullBatchPlan(on: team, isMeasured: isMeasured) { return plan }
    } catch {
      switch error {
      case .device(let error): throw error
      case .tooLittleMemory(let shortage): throw tooLittle(shortage, isGiven: isLimited)
      }
    }
    guard isLimited else { return nil }
    let needed = memoryOfMinibatches(on: team)
    do throws(DeviceTeam.MemoryShortage) {
      try team.checkMemory { _ in needed }
    } catch {
      throw tooLittle(error, isGiven: true)
    }
    return nil
  }

  private func tooLittle(_ shortage: DeviceTeam.MemoryShortage, isGiven: Bool) -> Failure {
    let alternative: String? =
      if case .minibatch = estimator { "a smaller --batch-size" } else { nil }
    return Failure(
      shortage, isGiven: isGiven, for: "\(estimator.name) CKA of these layers", or: alternative)
  }
}
