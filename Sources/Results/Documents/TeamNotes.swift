import CKA
import Device
import Support

extension DeviceTeam.Event {
  /// What the user should know of it; nil where that is nothing.
  package var note: Note? {
    switch self {
    case .finished: nil
    case .leftToOthers(let from, let others, let error):
      .warning("\(from.id) failed; \(others) continue: \(oneLine(error.description))")
    case .fellBack(let from, let to, let error):
      .warning(
        "\(from.id) failed; \(to.id) continues from the sums so far: \(oneLine(error.description))")
    case .tookOver(let device, let from, let error):
      .warning("\(from.id) failed; \(device.id) takes over: \(oneLine(error.description))")
    }
  }
}
