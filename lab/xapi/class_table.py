"""The table of classes and fields of the simulated API.

A class is a head line and lines of fields: `access type: name name=default …`. `rw` fields have setters (for
maps also add_to_/remove_from_, for sets add_/remove_), `ro` fields only getters. Types: string, int, float,
bool, time, set (of strings), map (string to string), `ref CLASS`, `refs CLASS`. Names and types are those of
xapi's datamodel; a field left out here is one that neither planners nor the usual clients read.
"""

from __future__ import annotations

TABLE = """
class session unevented
  ro string: uuid auth_user_sid auth_user_name originator
  ro ref host: this_host
  ro bool: is_local_superuser=true pool
  ro time: last_active validation_time
  rw map: other_config

class task
  ro string: uuid name_label name_description status type=<none/> result backtrace
  ro set: allowed_operations error_info
  ro map: current_operations
  ro time: created finished
  ro ref host: resident_on
  ro float: progress
  ro ref task: subtask_of
  ro refs task: subtasks
  rw map: other_config

class pool
  ro string: uuid ha_cluster_stack=xhad wlb_url wlb_username vswitch_controller
  rw string: name_label name_description
  ro ref host: master
  rw ref SR: default_SR suspend_image_SR crash_dump_SR
  ro ref VDI: redo_log_vdi
  rw map: other_config gui_config health_check_config
  ro map: ha_configuration current_operations restrictions cpu_info guest_agent_config blobs
  ro map: recommendations
  ro bool: ha_enabled ha_overcommitted redo_log_enabled live_patching_disabled igmp_snooping_enabled
  ro bool: tls_verification_enabled
  rw bool: ha_allow_overcommit ha_reboot_vm_on_internal_shutdown=true wlb_enabled wlb_verify_cert
  rw bool: policy_no_vendor_device
  ro set: ha_statefiles allowed_operations
  ro refs VDI: metadata_VDIs
  ro int: ha_host_failures_to_tolerate ha_plan_exists_for
  rw set: tags

class host
  ro string: uuid hostname address edition=free uefi_certificates
  rw string: name_label name_description
  ro int: memory_overhead API_version_major=2 API_version_minor=21
  ro string: API_version_vendor=XenSource
  ro bool: enabled=true multipathing ssl_legacy tls_verification_enabled https_only
  ro map: API_version_vendor_implementation software_version current_operations cpu_info bios_strings
  ro map: chipset_info license_params blobs guest_VCPUs_params
  rw map: other_config logging cpu_configuration license_server power_on_config
  ro string: sched_policy=credit power_on_mode iscsi_iqn display=enabled
  ro set: capabilities supported_bootloaders allowed_operations ha_statefiles ha_network_peers
  ro set: external_auth_configuration_keys features
  rw set: tags
  ro refs VM: resident_VMs
  ro refs PBD: PBDs
  ro refs PIF: PIFs
  ro refs PCI: PCIs
  ro refs PGPU: PGPUs
  ro refs PUSB: PUSBs
  ro refs host_cpu: host_CPUs
  ro ref host_metrics: metrics
  ro ref VM: control_domain
  ro ref SR: local_cache_sr suspend_image_sr crash_dump_sr
  ro string: external_auth_type external_auth_service_name

class host_metrics
  ro string: uuid
  ro int: memory_total memory_free
  ro bool: live=true
  ro time: last_updated
  rw map: other_config

class host_cpu
  ro string: uuid vendor modelname stepping flags features
  ro int: number speed family model
  ro float: utilisation
  ro ref host: host
  rw map: other_config

class VM
  ro string: uuid power_state=Halted domarch last_booted_record transportable_snapshot_id
  ro string: snapshot_metadata domain_type=hvm reference_label
  rw string: name_label name_description PV_bootloader PV_kernel PV_ramdisk PV_args PV_bootloader_args
  rw string: PV_legacy_args PCI_bus recommendations
  ro string: actions_after_shutdown=destroy actions_after_reboot=restart actions_after_crash=restart
  ro string: actions_after_softreboot=soft_reboot HVM_boot_policy ha_restart_priority
  ro set: allowed_operations
  ro map: current_operations last_boot_CPU_flags snapshot_info bios_strings blobs NVRAM
  rw map: VCPUs_params platform other_config xenstore_data HVM_boot_params blocked_operations
  rw int: user_version=1
  ro int: memory_overhead memory_target memory_static_max memory_dynamic_max memory_dynamic_min
  ro int: memory_static_min VCPUs_max=1 VCPUs_at_startup=1 domid=-1 start_delay shutdown_delay order
  ro int: version hardware_platform_version generation_id_major
  rw bool: is_a_template
  ro bool: is_control_domain ha_always_run is_a_snapshot is_snapshot_from_vmpp is_default_template
  ro bool: requires_reboot has_vendor_device is_vmss_snapshot
  ro float: HVM_shadow_multiplier=1.0
  ro ref VDI: suspend_VDI
  ro ref host: resident_on scheduled_to_be_resident_on
  rw ref host: affinity
  rw ref SR: suspend_SR
  ro ref VM: snapshot_of parent
  ro refs VM: snapshots children
  ro refs console: consoles
  ro refs VIF: VIFs
  ro refs VBD: VBDs
  ro refs VGPU: VGPUs
  ro refs VUSB: VUSBs
  ro refs PCI: attached_PCIs
  ro refs VM_group: groups
  ro set: crash_dumps VTPMs pending_guidances
  ro ref VM_metrics: metrics
  ro ref VM_guest_metrics: guest_metrics
  ro string: protection_policy=OpaqueRef:NULL appliance=OpaqueRef:NULL snapshot_schedule=OpaqueRef:NULL
  ro string: generation_id
  ro time: snapshot_time
  rw set: tags

class VM_metrics
  ro string: uuid current_domain_type=hvm
  ro int: memory_actual VCPUs_number
  ro map: VCPUs_utilisation VCPUs_CPU VCPUs_params VCPUs_flags
  ro set: state
  ro time: start_time install_time last_updated
  ro bool: hvm nested_virt nomigrate
  rw map: other_config

class VM_guest_metrics
  ro string: uuid can_use_hotplug_vbd=yes can_use_hotplug_vif=yes
  ro map: os_version PV_drivers_version memory disks networks other
  ro bool: PV_drivers_up_to_date=true PV_drivers_detected=true live=true
  ro time: last_updated
  rw map: other_config

class VM_group
  ro string: uuid placement=normal
  rw string: name_label name_description
  ro refs VM: VMs

class SR
  ro string: uuid type content_type=user
  rw string: name_label name_description
  ro set: allowed_operations
  ro map: current_operations blobs
  rw map: other_config sm_config
  ro int: virtual_allocation physical_utilisation physical_size
  rw bool: shared
  ro bool: local_cache_enabled is_tools_sr clustered
  ro refs VDI: VDIs
  ro refs PBD: PBDs
  ro string: introduced_by=OpaqueRef:NULL
  rw set: tags

class PBD
  ro string: uuid
  ro ref host: host
  ro ref SR: SR
  ro map: device_config
  ro bool: currently_attached
  rw map: other_config

class VDI
  ro string: uuid type=user location
  rw string: name_label name_description
  ro set: allowed_operations
  ro map: current_operations
  ro ref SR: SR
  ro refs VBD: VBDs
  ro int: virtual_size physical_utilisation
  rw bool: sharable read_only managed=true missing allow_caching
  ro bool: storage_lock is_a_snapshot metadata_latest is_tools_iso cbt_enabled
  rw map: other_config xenstore_data sm_config
  ro ref VDI: snapshot_of parent
  ro refs VDI: snapshots
  ro time: snapshot_time
  ro string: on_boot=persist metadata_of_pool=OpaqueRef:NULL
  rw set: tags

class VBD
  ro string: uuid device status_detail
  rw string: userdevice mode=RW type=Disk
  ro set: allowed_operations
  ro map: current_operations runtime_properties
  ro ref VM: VM
  ro ref VDI: VDI
  rw bool: bootable unpluggable
  ro bool: storage_lock empty currently_attached
  ro int: status_code
  rw map: other_config qos_algorithm_params
  ro set: qos_supported_algorithms
  rw string: qos_algorithm_type
  ro string: metrics=OpaqueRef:NULL

class VIF
  ro string: uuid device MAC status_detail ipv4_configuration_mode=None ipv4_gateway
  ro string: ipv6_configuration_mode=None ipv6_gateway
  ro int: MTU=1500 status_code
  ro set: allowed_operations ipv4_addresses ipv6_addresses
  rw set: ipv4_allowed ipv6_allowed
  ro map: current_operations runtime_properties
  ro ref VM: VM
  ro ref network: network
  ro bool: currently_attached MAC_autogenerated
  rw string: locking_mode=network_default qos_algorithm_type
  rw map: other_config qos_algorithm_params
  ro set: qos_supported_algorithms
  ro string: metrics=OpaqueRef:NULL reserved_pci=OpaqueRef:NULL

class network
  ro string: uuid bridge
  rw string: name_label name_description default_locking_mode=unlocked
  ro set: allowed_operations
  ro map: current_operations blobs assigned_ips
  ro refs VIF: VIFs
  ro refs PIF: PIFs
  rw int: MTU=1500
  ro bool: managed=true
  rw map: other_config
  rw set: tags purpose

class PIF
  ro string: uuid device MAC ip_configuration_mode=None IP netmask gateway DNS
  ro string: ipv6_configuration_mode=None ipv6_gateway primary_address_type=IPv4
  ro string: igmp_snooping_status=unknown
  ro int: MTU=1500 VLAN=-1
  ro set: IPv6 capabilities
  ro ref network: network
  ro ref host: host
  ro bool: physical currently_attached management managed=true
  rw bool: disallow_unplug
  ro ref PIF_metrics: metrics
  ro ref Bond: bond_slave_of
  ro refs Bond: bond_master_of
  ro ref VLAN: VLAN_master_of
  ro refs VLAN: VLAN_slave_of
  ro refs network_sriov: sriov_physical_PIF_of sriov_logical_PIF_of
  ro set: tunnel_access_PIF_of tunnel_transport_PIF_of
  ro ref PCI: PCI
  rw map: other_config properties

class PIF_metrics
  ro string: uuid vendor_id vendor_name device_id device_name pci_bus_path
  ro bool: carrier=true duplex=true
  ro int: speed=10000
  ro float: io_read_kbs io_write_kbs
  ro time: last_updated
  rw map: other_config

class Bond
  ro string: uuid mode=balance-slb
  ro ref PIF: master primary_slave
  ro refs PIF: slaves
  rw map: other_config properties
  ro int: links_up
  ro bool: auto_update_mac=true

class VLAN
  ro string: uuid
  ro ref PIF: tagged_PIF untagged_PIF
  ro int: tag
  rw map: other_config

class network_sriov
  ro string: uuid configuration_mode=sysfs
  ro ref PIF: physical_PIF logical_PIF
  ro bool: requires_reboot

class PCI
  ro string: uuid class_name vendor_name device_name pci_id subsystem_vendor_name subsystem_device_name
  ro string: driver_name
  ro ref host: host
  ro refs VM: attached_VMs
  ro refs PCI: dependencies
  rw map: other_config

class PGPU
  ro string: uuid dom0_access=enabled
  ro ref PCI: PCI
  ro ref GPU_group: GPU_group
  ro ref host: host
  ro refs VGPU_type: supported_VGPU_types enabled_VGPU_types
  ro refs VGPU: resident_VGPUs
  ro map: supported_VGPU_max_capacities compatibility_metadata
  ro bool: is_system_display_device
  rw map: other_config

class GPU_group
  ro string: uuid
  rw string: name_label name_description allocation_algorithm=depth_first
  ro refs PGPU: PGPUs
  ro refs VGPU: VGPUs
  ro set: GPU_types
  ro refs VGPU_type: supported_VGPU_types enabled_VGPU_types
  rw map: other_config

class VGPU
  ro string: uuid device=0
  ro ref VM: VM
  ro ref GPU_group: GPU_group
  ro ref PGPU: resident_on scheduled_to_be_resident_on
  ro ref VGPU_type: type
  ro ref PCI: PCI
  ro bool: currently_attached
  ro map: compatibility_metadata
  rw map: other_config
  rw string: extra_args

class VGPU_type
  ro string: uuid vendor_name model_name implementation=passthrough identifier
  ro int: framebuffer_size max_heads max_resolution_x max_resolution_y
  ro refs PGPU: supported_on_PGPUs enabled_on_PGPUs
  ro refs VGPU: VGPUs
  ro refs GPU_group: supported_on_GPU_groups enabled_on_GPU_groups
  ro bool: experimental
  ro set: compatible_types_in_vm

class PUSB
  ro string: uuid path vendor_id vendor_desc product_id product_desc serial version description
  ro ref USB_group: USB_group
  ro ref host: host
  ro bool: passthrough_enabled=true
  ro float: speed
  rw map: other_config

class USB_group
  ro string: uuid
  rw string: name_label name_description
  ro refs PUSB: PUSBs
  ro refs VUSB: VUSBs
  rw map: other_config

class VUSB
  ro string: uuid
  ro set: allowed_operations
  ro map: current_operations
  ro ref VM: VM
  ro ref USB_group: USB_group
  ro bool: currently_attached
  rw map: other_config

class Cluster
  ro string: uuid cluster_token cluster_stack=corosync
  ro refs Cluster_host: cluster_hosts
  ro set: pending_forget allowed_operations
  ro bool: pool_auto_join=true is_quorate=true
  ro int: quorum live_hosts
  ro float: token_timeout=20.0 token_timeout_coefficient=1.0
  ro map: current_operations cluster_config
  rw map: other_config

class Cluster_host
  ro string: uuid
  ro ref Cluster: cluster
  ro ref host: host
  ro ref PIF: PIF
  ro bool: enabled=true joined=true live=true
  ro set: allowed_operations
  ro map: current_operations
  ro time: last_update_live
  rw map: other_config

class SM
  ro string: uuid type vendor=XenSource copyright version=3.0 required_api_version=1.0 driver_filename
  ro string: name_label name_description
  ro map: configuration features
  ro set: capabilities required_cluster_stack supported_image_formats
  rw map: other_config

class console
  ro string: uuid protocol=rfb location
  ro ref VM: VM
  rw map: other_config

class message
  ro string: uuid name cls obj_uuid body
  ro int: priority
  ro time: timestamp
"""
