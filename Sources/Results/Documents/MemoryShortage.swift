import CKA
import Device
import Support

extension DeviceTeam {
  /// Refuses work that does not fit the team's memory, in the words of `--memory`.
  ///
  /// - Parameters:
  ///   - isLimited: whether the user gave the limit.
  ///   - work: what does not fit.
  ///   - alternative: what would make it fit.
  ///   - least: the bytes that the work takes at the most on a device.
  package func checkMemory(
    isLimited: Bool, for work: @autoclosure () -> String, or alternative: String?,
    least: (DeviceInfo) -> Int
  ) throws(Failure) {
    do throws(MemoryShortage) { try checkMemory(least: least) } catch {
      throw Failure(error, isGiven: isLimited, for: work(), or: alternative)
    }
  }
}

extension Failure {
  /// The limit on memory is too low for some work, which would do with less by `alternative`.
  ///
  /// - Parameter isGiven: whether the user gave the limit.
  init(
    _ shortage: DeviceTeam.MemoryShortage, isGiven: Bool, for work: String, or alternative: String?
  ) {
    // The memory of the process itself varies slightly from run to run.
    let mebibytes = (shortage.least + ProcessMemory.grain) >> 20 + 1
    let whose = isGiven ? "" : " (the default, half of the memory of this process)"
    self.init(
      .usage,
      "--memory \(Format.bytes(shortage.limit))\(whose) is too small for \(work); use at least --memory "
        + "\(mebibytes)M\(alternative.map { " or \($0)" } ?? "")")
  }
}
