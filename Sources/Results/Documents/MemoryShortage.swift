import CKA
import Support

extension Failure {
  /// The limit on memory is too low for some work, which would do with less by `alternative`.
  ///
  /// - Parameter isGiven: whether the user gave the limit.
  package init(
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
