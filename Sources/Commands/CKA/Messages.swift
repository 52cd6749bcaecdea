import CKA
import CommandSupport
import DeviceRegistry
import Logging
import Support

/// The chosen devices, within the memory that the user grants.
func deviceTeam(
  _ choice: DeviceRegistry.Choice, memory: MemorySize?, log: Logger
) -> DeviceTeam {
  DeviceTeam(
    choice.devices, sharing: choice.sharing, memory: memory?.bytes ?? Comparison.defaultMemory,
    meter: Progress.meter
  ) { report($0, to: log) }
}

/// Reports events while devices work.
private func report(_ event: DeviceTeam.Event, to log: Logger) {
  switch event {
  case .finished: break
  case .leftToOthers(let from, let others, let error):
    log.warning(
      "\(from.id) failed; \(others) continue: \(oneLine(error.description))")
  case .fellBack(let from, let to, let error):
    log.warning(
      "\(from.id) failed; \(to.id) continues from the sums so far: \(oneLine(error.description))")
  case .tookOver(let device, let from, let error):
    log.warning("\(from.id) failed; \(device.id) takes over: \(oneLine(error.description))")
  }
}
