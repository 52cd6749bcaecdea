import Activations

extension WorkMeter {
  /// The stages that are not over, or of whose work a share beside `range` was counted: in words.
  public func stagesAmiss(within range: ClosedRange<Double>) -> [String] {
    stages.filter { $0.isOpen || !range.contains($0.done / $0.total) }.map {
      "\($0.name ?? "all"): \($0.done) of \($0.total)\($0.isOpen ? ", and goes on" : "")"
    }
  }
}
