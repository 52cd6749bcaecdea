import Activations
import Device

public struct OpenCLDeviceDescription: Sendable {
  public var info: DeviceInfo; public var kind: String; public var isGPU: Bool
}
public struct OpenCLDevice {
  public static func all() throws(DeviceError) -> [OpenCLDeviceDescription] { [] }
}
